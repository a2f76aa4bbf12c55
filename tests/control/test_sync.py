"""The life of an operation: begun, stepped, ended; by whom, and what is there after a fault at any point of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.step import SUPERSEDED, TERMINATED, Limits
from gitopsd.errors import ClusterUnreachable, Conflict, InvalidManifest, RevisionNotFound, StoreFailed
from gitopsd.model.application import Mode
from gitopsd.model.command import Refused
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.control.clusters import C1, C2
from tests.control.git import sha
from tests.control.shell import BY_HAND, Shell, app, config, config_key
from tests.fakes.applications import FakeApplications

SHOP = AppName("shop")
X = config_key("x")
ASKED = SyncRequest(initiated_by="admin")
BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")
# A claim that nobody binds: what stands in later waves waits for it.
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}}
CLAIM_KEY = ResourceKey("", "PersistentVolumeClaim", "prod", "disk")
LATER = {"argocd.argoproj.io/sync-wave": "1"}


async def started(files: Any, **spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("shop", **spec))
    shell.git.push(files)
    await shell.settle()
    return shell


def value(shell: Shell) -> str:
    found: str = shell.world.objects[X]["data"]["value"]
    return found


def calls(shell: Shell, verb: str) -> Sequence[str]:
    return [call for call in shell.world.calls if call.startswith(verb)]


async def test_what_an_apply_answered_is_in_sync_without_asking() -> None:
    shell = await started({"apps/shop/x": config("x")})

    assert (1, 0) == (len(calls(shell, "apply")), len(calls(shell, "dry-run")))


async def test_live_edit_is_reverted_and_counts_as_a_heal() -> None:
    shell = await started({"apps/shop/x": config("x")})
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert ("1", True) == (value(shell), shell.operation("shop").healing)


async def test_live_edit_stays_where_self_heal_is_off_and_is_said_why() -> None:
    shell = await started({"apps/shop/x": config("x")}, syncPolicy={"automated": {}})
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert ("drifted", "OutOfSync") == (value(shell), shell.sync_status("shop"))
    assert "selfHeal is off" in shell.status("shop").waiting


async def test_object_that_git_dropped_stays_where_prune_is_off_and_is_said_why() -> None:
    shell = await started({"apps/shop/x": config("x")}, syncPolicy={"automated": {}})
    shell.git.push({})
    await shell.settle()

    assert {"x"} == shell.names()
    assert "requires pruning" in shell.status("shop").waiting


async def test_nothing_is_synced_by_itself_where_nobody_said_so() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)

    assert (set(), "OutOfSync") == (shell.names(), shell.sync_status("shop"))
    assert "automated sync is off" == shell.status("shop").waiting


async def test_sync_that_a_person_asks_for_is_done_once() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.asks.sync(SHOP, ASKED)
    await shell.settle()

    assert ({"x"}, "admin", 1) == (shell.names(), shell.operation("shop").initiated_by, len(shell.over))
    assert None is shell.apps.request(SHOP)


async def test_dry_run_writes_nothing() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.asks.sync(SHOP, replace(ASKED, dry_run=True))
    await shell.settle()

    assert (set(), OperationPhase.SUCCEEDED) == (shell.names(), shell.operation("shop").phase)
    assert () == shell.apps.history(SHOP)


async def test_dry_run_does_not_make_a_failed_content_look_new() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.answers[X] = [Refused(X, 422, "no such field", retryable=False)]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    await shell.asks.sync(SHOP, replace(ASKED, dry_run=True))
    await shell.settle()

    assert (set(), 1) == (shell.names(), len(calls(shell, "apply")))


async def test_refused_content_waits_for_a_new_one() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.answers[X] = [Refused(X, 422, "no such field", retryable=False)]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert "no such field" in shell.operation("shop").message
    assert "waits for a change" in shell.status("shop").waiting
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    assert ("2", "Synced") == (value(shell), shell.sync_status("shop"))


@pytest.mark.parametrize(
    "answer", [Refused(X, 503, "etcd is slow", retryable=True), ClusterUnreachable("no answer", remedy="wait")]
)
async def test_refusal_that_may_pass_is_tried_again(answer: Any) -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.answers[X] = [answer, answer]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert ("1", 1) == (value(shell), len(shell.over))


async def test_dry_run_without_an_answer_is_asked_again() -> None:
    shell = await started({"apps/shop/x": config("x")})
    shell.world.dry_answers[X] = [ClusterUnreachable("no answer", remedy="wait")]
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle()

    assert "1" == value(shell)


# Revisions that a person named


async def test_sync_to_an_older_revision_makes_that_one_live_and_is_then_compared_with_git() -> None:
    shell = await two_revisions()
    await shell.asks.sync(SHOP, replace(ASKED, revisions=(sha(0),), prune=True))
    await shell.settle()

    assert ("1", (sha(0),)) == (value(shell), shell.operation("shop").revisions)
    assert ("OutOfSync", (sha(1),)) == (shell.sync_status("shop"), shell.status("shop").revisions)
    assert shell.names() == {"x", "old"}


async def two_revisions() -> Shell:
    shell = await started({"apps/shop/x": config("x"), "apps/shop/old": config("old")}, **BY_HAND)
    await shell.asks.sync(SHOP, ASKED)
    await shell.settle()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    await shell.asks.sync(SHOP, replace(ASKED, prune=True))
    await shell.settle()
    assert ("2", {"x"}) == (value(shell), shell.names())
    return shell


async def test_rollback_makes_live_what_the_entry_did() -> None:
    shell = await two_revisions()
    await shell.asks.rollback(SHOP, 1, replace(ASKED, prune=True))
    await shell.settle()

    assert ("1", {"x", "old"}) == (value(shell), shell.names())


async def test_rollback_prunes_though_git_is_broken_now() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    for files in ({"apps/shop/x": config("x")}, {"apps/shop/x": config("x", "2"), "apps/shop/new": config("new")}):
        shell.git.push(files)
        await shell.settle()
        await shell.asks.sync(SHOP, ASKED)
        await shell.settle()
    shell.git.push({"apps/shop/broken": BROKEN})
    await shell.settle()
    await shell.asks.rollback(SHOP, 1, replace(ASKED, prune=True))
    await shell.settle()

    assert ("1", {"x"}) == (value(shell), shell.names())


async def test_rollback_to_other_sources_is_refused() -> None:
    shell = await two_revisions()
    shell.declare(app("shop", path="apps/other", **BY_HAND))

    with pytest.raises(Conflict, match="not of the sources"):
        await shell.asks.rollback(SHOP, 1, ASKED)


async def test_request_that_comes_during_a_pass_is_not_mixed_with_what_the_pass_found() -> None:
    shell = await two_revisions()
    shell.world.edit(X, "data", "value", value="drifted")

    async def asks_while_the_server_is_asked() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.asks.sync(SHOP, replace(ASKED, revisions=(sha(0),)))

    shell.clusters.turn = asks_while_the_server_is_asked
    await shell.pass_over("shop")
    assert "drifted" == value(shell), "the pass was not asked for anything"
    await shell.settle()
    assert ("1", (sha(0),)) == (value(shell), shell.operation("shop").revisions)


async def test_request_that_comes_while_another_is_taken_up_is_not_lost() -> None:
    shell = await two_revisions()
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.asks.sync(SHOP, ASKED)

    async def asks_while_the_server_is_asked() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.asks.sync(SHOP, replace(ASKED, revisions=(sha(0),)))

    shell.clusters.turn = asks_while_the_server_is_asked
    shell.over.clear()
    await shell.settle()

    assert [(sha(1),), (sha(0),)] == [operation.revisions for operation in shell.over]


async def test_request_that_comes_when_an_operation_has_begun_waits_for_its_end() -> None:
    shell = await gated(**BY_HAND)
    shell.apps.ask(SHOP, replace(ASKED, revisions=(sha(0),)))
    await shell.settle(for_s=60.0)
    assert OperationPhase.RUNNING is shell.operation("shop").phase
    shell.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle(for_s=60.0)

    assert [(sha(1),), (sha(0),)] == [operation.revisions for operation in shell.over[-2:]]


async def test_request_for_a_revision_that_is_not_there_is_refused_at_once() -> None:
    shell = await two_revisions()

    with pytest.raises(RevisionNotFound):
        await shell.asks.sync(SHOP, replace(ASKED, revisions=("no-such-branch",)))
    assert None is shell.apps.request(SHOP)


async def test_request_for_the_declared_revision_is_allowed_where_sync_is_automated() -> None:
    shell = await started({"apps/shop/x": config("x")})
    await shell.asks.sync(SHOP, replace(ASKED, revisions=("main",)))
    await shell.settle()

    assert not shell.operation("shop").pinned
    with pytest.raises(Conflict, match="syncs by itself"):
        await shell.asks.sync(SHOP, replace(ASKED, revisions=(sha(0),)))


async def test_request_that_cannot_be_rendered_is_told_and_not_kept() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.settle()
    await shell.asks.sync(SHOP, ASKED)
    await shell.settle()

    assert (None, OperationPhase.ERROR) == (shell.apps.request(SHOP), shell.operation("shop").phase)
    assert "line 3 is no YAML" in shell.operation("shop").message
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    assert set() == shell.names(), "nobody asks for it any more"


async def test_request_waits_for_a_repository_that_may_return() -> None:
    shell = Shell()
    shell.declare(app("shop", **BY_HAND))
    await shell.settle()
    await shell.asks.sync(SHOP, replace(ASKED, asked_s=shell.clock()))
    await shell.settle(for_s=100.0)
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()

    assert {"x"} == shell.names()


# How an operation ends


async def gated(limits: Limits | None = None, **spec: Any) -> Shell:
    """Return a world in which an operation runs and waits for a claim to be bound."""
    shell = Shell(limits=limits or Limits())
    shell.declare(app("shop", **spec))
    shell.git.push({})
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/x": config("x", annotations=LATER)})
    await shell.settle(for_s=60.0)
    if spec:
        await shell.asks.sync(SHOP, ASKED)
        await shell.settle(for_s=60.0)
    assert (set(), OperationPhase.RUNNING) == (shell.names(), shell.operation("shop").phase)
    return shell


async def test_operation_goes_on_when_its_gate_opens() -> None:
    shell = await gated()
    shell.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle()

    assert ({"x"}, "Synced") == (shell.names(), shell.sync_status("shop"))


async def test_newer_content_takes_over_in_the_same_pass() -> None:
    shell = await gated()
    shell.git.push({"apps/shop/x": config("x")})
    await shell.walk()
    await shell.pass_over("shop")

    assert [SUPERSEDED] == [operation.message for operation in shell.over[:1]]
    assert {"x"} == shell.names()


async def test_operation_is_ended_by_a_person() -> None:
    shell = await gated()
    await shell.asks.terminate(SHOP)
    await shell.settle()

    assert (set(), TERMINATED) == (shell.names(), shell.operation("shop").message)


async def test_operation_is_ended_by_a_person_though_git_is_broken() -> None:
    shell = await gated()
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.settle(for_s=60.0)
    await shell.asks.terminate(SHOP)
    await shell.settle(for_s=60.0)

    assert TERMINATED == shell.operation("shop").message
    assert shell.operation("shop") == shell.status("shop").operation


async def test_operation_is_ended_by_a_person_while_its_commands_run() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/x": config("x", annotations=LATER)})

    async def terminates() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.asks.terminate(SHOP)

    shell.clusters.turn = terminates
    await shell.settle(for_s=60.0)

    assert TERMINATED == shell.operation("shop").message


async def test_operation_is_ended_by_its_deadline_though_passes_come_to_nothing() -> None:
    shell = await gated(limits=Limits(operation_s=300.0))
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.walk()
    shell.clock.now_s += 400.0
    await shell.settle()

    assert OperationPhase.ERROR is shell.operation("shop").phase
    assert "line 3 is no YAML" in shell.operation("shop").message
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    assert {"x"} == shell.names(), "that says nothing about a content"


async def test_mode_that_becomes_observe_ends_what_runs() -> None:
    shell = await gated()
    observing = shell.restarted(mode=Mode.OBSERVE)
    observing.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await observing.settle()

    assert (set(), OperationPhase.ERROR) == (observing.names(), observing.operation("shop").phase)
    with pytest.raises(Conflict, match="observe"):
        await observing.asks.sync(SHOP, ASKED)
    enforcing = observing.restarted()
    await enforcing.settle()
    assert {"x"} == enforcing.names()


async def test_other_destination_ends_what_runs_and_syncs_everything_there() -> None:
    shell = await gated()
    shell.declare(app("shop", cluster="c2"))
    await shell.settle(for_s=60.0)
    shell.clusters.worlds[C2].edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle()

    assert {"x"} == shell.names(C2)
    assert CLAIM_KEY in shell.clusters.worlds[C1].objects, "what it left elsewhere stays"


async def test_content_that_failed_in_one_cluster_is_tried_in_another() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.answers[X] = [Refused(X, 422, "no such field", retryable=False)]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    shell.declare(app("shop", cluster="c2"))
    await shell.settle()

    assert {"x"} == shell.names(C2)


async def test_operation_goes_on_after_a_kill_between_its_commands_and_their_results() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/y": config("y")})

    class Killed(Exception):
        pass

    async def kill() -> None:
        raise Killed

    shell.clusters.turn = kill
    await shell.walk()
    with pytest.raises(Killed):
        await shell.pass_over("shop")
    shell.clusters.turn = shell.git.turn
    again = shell.restarted()
    await again.settle()

    assert ({"x", "y"}, OperationPhase.SUCCEEDED) == (again.names(), again.operation("shop").phase)
    assert 1 == len(again.apps.history(SHOP))


async def test_argo_cds_writes_keep_sync_waiting_but_not_those_to_the_namespace() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.world.argocd_wrote_s = shell.clock()
    shell.world.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle(for_s=60.0)
    assert {"x"} == shell.names()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle(for_s=60.0)

    assert "1" == value(shell)
    assert "Argo CD still writes" in shell.status("shop").waiting


class FullDisk(FakeApplications):
    """A store whose n-th write fails."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def _write(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise StoreFailed("the disk is full", remedy="free space")
        super()._write()


@pytest.mark.parametrize("write", range(1, 12))
async def test_write_of_the_store_that_fails_loses_nothing(write: int) -> None:
    apps = FullDisk()
    shell = Shell(apps=apps)
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/y": config("y")})
    await shell.settle()
    apps.left = write
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()

    assert ({"x"}, "2", "Synced") == (shell.names(), value(shell), shell.sync_status("shop"))
    assert [OperationPhase.SUCCEEDED] * 2 == [operation.phase for operation in shell.over[-2:]]


async def test_nothing_is_written_while_another_daemon_holds_the_lease_and_a_request_waits_for_it() -> None:
    shell = Shell()
    shell.fenced = "another gitopsd writes to cluster c1"
    shell.declare(app("shop", **BY_HAND))
    shell.git.push({"apps/shop/a": config("a")})
    await shell.settle(for_s=60)
    await shell.asks.sync(AppName("shop"), SyncRequest())
    await shell.settle(for_s=60)
    before = (shell.names(), shell.status("shop").waiting)

    shell.fenced = ""
    await shell.settle(for_s=60)

    assert (set(), "another gitopsd writes to cluster c1") == before
    assert {"a"} == shell.names()


async def test_sync_under_way_waits_while_another_daemon_holds_the_lease() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/b": config("b", annotations=LATER)})
    await shell.settle(for_s=60)
    shell.fenced = "another gitopsd writes to cluster c1"
    shell.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle(for_s=60)
    before = (shell.names(), shell.operation("shop").phase)

    shell.fenced = ""
    await shell.settle(for_s=60)

    assert (set(), OperationPhase.RUNNING) == before
    assert {"b"} == shell.names()


async def test_person_may_end_a_sync_that_another_daemon_keeps_from_going_on() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/b": config("b", annotations=LATER)})
    await shell.settle(for_s=60)
    shell.fenced = "another gitopsd writes to cluster c1"

    await shell.asks.terminate(SHOP)
    await shell.settle(for_s=60)

    assert OperationPhase.FAILED is shell.operation("shop").phase


async def test_sync_options_of_a_request_hold_for_that_sync_alone() -> None:
    shell = await started({"apps/shop/x": config("x")}, **BY_HAND)
    await shell.asks.sync(SHOP, replace(ASKED, options=(("Replace", "true"),), asked_s=1.0))
    await shell.settle()
    shell.git.push({"apps/shop/x": config("x", "2")})
    await shell.settle()
    await shell.asks.sync(SHOP, replace(ASKED, asked_s=2.0))
    await shell.settle()

    assert [True, False] == [how.replace for how in shell.world.hows]

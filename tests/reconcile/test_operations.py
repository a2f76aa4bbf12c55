"""How an operation goes on, and how it ends: by its gate, by a person, by time, by a kill, by another daemon."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.step import SyncLimits
from gitopsd.errors import Conflict, StoreFailed
from gitopsd.model.application import Mode
from gitopsd.model.command import Refused
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import EndReason, OperationPhase, SyncRequest
from tests.fakes.applications import FakeApplications
from tests.reconcile.clusters import C1, C2
from tests.reconcile.git import sha
from tests.reconcile.shell import BY_HAND, Shell, app, config
from tests.reconcile.syncing import ASKED, BROKEN, SHOP, X, value

# A claim that nobody binds: what stands in later waves waits for it.
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}}
CLAIM_KEY = ResourceKey("", "PersistentVolumeClaim", "prod", "disk")
LATER = {"argocd.argoproj.io/sync-wave": "1"}


async def test_request_that_comes_when_an_operation_has_begun_waits_for_its_end() -> None:
    shell = await gated(**BY_HAND)
    shell.apps.ask(SHOP, replace(ASKED, revisions=(sha(0),)))
    await shell.settle(for_s=60.0)
    assert OperationPhase.RUNNING is shell.operation("shop").phase
    shell.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle(for_s=60.0)

    assert [(sha(1),), (sha(0),)] == [operation.revisions for operation in shell.over[-2:]]


async def gated(limits: SyncLimits | None = None, **spec: Any) -> Shell:
    """Return a world in which an operation runs and waits for a claim to be bound."""
    shell = Shell(limits=limits or SyncLimits())
    shell.declare(app("shop", **spec))
    shell.git.push({})
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/x": config("x", annotations=LATER)})
    await shell.settle(for_s=60.0)
    if spec:
        await shell.commands.sync(SHOP, ASKED)
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

    assert [EndReason.SUPERSEDED] == [operation.end for operation in shell.over[:1]]
    assert {"x"} == shell.names()


async def test_operation_is_ended_by_a_person() -> None:
    shell = await gated()
    await shell.commands.terminate(SHOP)
    await shell.settle()

    assert (set(), EndReason.TERMINATED) == (shell.names(), shell.operation("shop").end)


async def test_operation_is_ended_by_a_person_though_git_is_broken() -> None:
    shell = await gated()
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.settle(for_s=60.0)
    await shell.commands.terminate(SHOP)
    await shell.settle(for_s=60.0)

    assert EndReason.TERMINATED == shell.operation("shop").end
    assert shell.operation("shop") == shell.status("shop").operation


async def test_operation_is_ended_by_a_person_while_its_commands_run() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/x": config("x", annotations=LATER)})

    async def terminates() -> None:
        shell.clusters.turn = shell.git.turn
        await shell.commands.terminate(SHOP)

    shell.clusters.turn = terminates
    await shell.settle(for_s=60.0)

    assert EndReason.TERMINATED == shell.operation("shop").end


async def test_operation_is_ended_by_its_deadline_though_passes_come_to_nothing() -> None:
    shell = await gated(limits=SyncLimits(operation_s=300.0))
    shell.git.push({"apps/shop/x": BROKEN})
    await shell.walk()
    shell.clock.now_s += 400.0
    await shell.settle()

    assert OperationPhase.ERROR is shell.operation("shop").phase
    assert "line 3 is no YAML" in shell.operation("shop").message
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle()
    assert {"x"} == shell.names(), "that says nothing about a content"


async def test_revision_that_is_gone_in_mid_sync_ends_the_sync_that_a_person_asked_of_it() -> None:
    shell = Shell()
    shell.declare(app("shop", syncPolicy={}))
    shell.git.push({"apps/shop/disk": CLAIM, "apps/shop/x": config("x", annotations=LATER)})
    await shell.settle(for_s=60.0)
    await shell.commands.sync(SHOP, replace(ASKED, revisions=(sha(0),)))
    await shell.settle(for_s=60.0)
    running = shell.operation("shop")

    shell.git.first = 1
    shell.git.push({"apps/shop/y": config("y")})
    await shell.settle(for_s=60.0)

    over = shell.operation("shop")
    assert (OperationPhase.RUNNING, OperationPhase.ERROR, running.id) == (running.phase, over.phase, over.id)
    assert "gone from Git" in over.message
    assert set() == shell.names()
    await shell.commands.sync(SHOP, ASKED)
    await shell.settle()
    assert {"y"} == shell.names()


async def test_mode_that_becomes_observe_ends_what_runs() -> None:
    shell = await gated()
    observing = shell.restarted(mode=Mode.OBSERVE)
    observing.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await observing.settle()

    assert (set(), OperationPhase.ERROR) == (observing.names(), observing.operation("shop").phase)
    with pytest.raises(Conflict, match="observe"):
        await observing.commands.sync(SHOP, ASKED)
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
    assert CLAIM_KEY not in shell.clusters.worlds[C1].objects, "what it left elsewhere goes once it is there"


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
    await shell.commands.sync(AppName("shop"), SyncRequest())
    await shell.settle(for_s=60)
    before = (shell.names(), shell.status("shop").waiting)

    shell.fenced = ""
    await shell.settle(for_s=60)

    assert (set(), "another gitopsd writes to cluster c1") == before
    assert {"a"} == shell.names()


async def test_sync_under_way_waits_while_another_daemon_holds_the_lease() -> None:
    shell = await gated()
    shell.fenced = "another gitopsd writes to cluster c1"
    shell.world.edit(CLAIM_KEY, "status", value={"phase": "Bound"})
    await shell.settle(for_s=60)
    before = (shell.names(), shell.operation("shop").phase)

    shell.fenced = ""
    await shell.settle(for_s=60)

    assert (set(), OperationPhase.RUNNING) == before
    assert {"x"} == shell.names()


async def test_person_may_end_a_sync_that_another_daemon_keeps_from_going_on() -> None:
    shell = await gated()
    shell.fenced = "another gitopsd writes to cluster c1"

    await shell.commands.terminate(SHOP)
    await shell.settle(for_s=60)

    assert OperationPhase.FAILED is shell.operation("shop").phase

"""A sync or a heal that failed is tried again by itself, and says so meanwhile."""

from __future__ import annotations

from typing import Any

from gitopsd.model.command import Refused
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.reconcile.shell import BY_HAND, ONCE, Shell, app, config, config_key
from tests.reconcile.syncing import SHOP, X, calls, value

QUOTA = Refused(X, 403, "exceeded quota: pods", retryable=False)
Y = config_key("y")
FILES = {"apps/shop/x": config("x")}


def refusing(times: int, **spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("shop", **spec))
    shell.world.answers[X] = [QUOTA] * times
    return shell


def sync_errors(shell: Shell) -> list[str]:
    return [found.message for found in shell.status("shop").conditions if found.type == "SyncError"]


async def test_content_that_is_refused_is_tried_until_the_server_takes_it_and_says_so_meanwhile() -> None:
    shell = refusing(9)
    shell.git.push(FILES)
    begun_s = shell.clock.now_s
    await shell.settle(for_s=120.0)
    failing = shell.status("shop").failing
    said = sync_errors(shell)
    await shell.settle(for_s=1500.0)

    assert failing is not None
    assert (begun_s, 5) == (failing.since_s, failing.tries)
    assert failing.next_s is not None
    assert begun_s + 120.0 < failing.next_s <= begun_s + 170.0
    assert ["failing since 1970-01-12T13:46:40Z, 5 tries; it is tried again"] == [text[:62] for text in said]
    assert ("1", "Synced", None, []) == (
        value(shell),
        shell.sync_status("shop"),
        shell.status("shop").failing,
        sync_errors(shell),
    )
    # Argo CD's five after 5, 10, 20, 40 and 80 s; then on, up to sync.heal_max_s.
    assert [0, 5, 10, 20, 40, 80, 160, 300, 300, 300] == _waits(shell, begun_s)


async def test_limit_of_its_own_is_all_that_is_tried() -> None:
    shell = refusing(9, **ONCE)
    shell.git.push(FILES)
    await shell.settle(for_s=1e5)

    assert (1, "OutOfSync") == (len(calls(shell, "apply")), shell.sync_status("shop"))
    assert "it waits for a change" in sync_errors(shell)[0]


async def test_heal_that_is_refused_is_tried_until_the_server_takes_it() -> None:
    shell = refusing(0)
    shell.git.push(FILES)
    await shell.settle(for_s=60.0)
    shell.world.answers[X] = [QUOTA] * 8
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle(for_s=1000.0)
    before = value(shell), shell.sync_status("shop")
    said = sync_errors(shell)
    await shell.settle(for_s=3000.0)

    assert ("drifted", "OutOfSync", 1) == (*before, len(said))
    assert ("1", "Synced") == (value(shell), shell.sync_status("shop"))


async def test_second_drift_is_healed_while_a_heal_of_another_object_is_refused() -> None:
    shell = refusing(0)
    shell.git.push({**FILES, "apps/shop/y": config("y")})
    await shell.settle(for_s=60.0)
    shell.world.answers[X] = [QUOTA] * 50
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle(for_s=1000.0)
    shell.world.edit(Y, "data", "value", value="drifted")
    await shell.settle(for_s=20.0)

    assert ("drifted", "1") == (value(shell), shell.world.objects[Y]["data"]["value"])
    assert shell.status("shop").failing is not None


async def test_sync_that_a_person_ends_is_not_tried_again_by_a_dry_run_either() -> None:
    shell = refusing(0)
    shell.world.answers[X] = [Refused(X, 503, "no", retryable=True)] * 4
    shell.git.push(FILES)
    await shell.settle(for_s=3.0)
    await shell.commands.terminate(SHOP)
    await shell.settle(for_s=60.0)
    shell.world.answers.clear()
    await shell.commands.sync(SHOP, SyncRequest(dry_run=True, asked_s=1.0, initiated_by="ann"))
    await shell.settle(for_s=1e5)

    assert set() == shell.names()


async def test_sync_that_a_person_asked_for_is_tried_again_only_where_gitopsd_syncs_by_itself() -> None:
    by_hand, automated = refusing(1, **BY_HAND), refusing(2)
    for shell in (by_hand, automated):
        shell.git.push(FILES)
        await shell.settle(for_s=1.0)
        await shell.commands.sync(SHOP, SyncRequest(asked_s=1.0, initiated_by="ann"))
        await shell.settle(for_s=100.0)

    assert (OperationPhase.FAILED, set(), []) == (
        by_hand.operation("shop").phase,
        by_hand.names(),
        sync_errors(by_hand),
    )
    assert {"x"} == automated.names()


def _waits(shell: Shell, begun_s: float) -> list[int]:
    """Return how long each sync had waited since the end of the one before."""
    ends = [begun_s, *(operation.finished_s or 0.0 for operation in shell.over)]
    return [round(operation.started_s - end_s) for operation, end_s in zip(shell.over, ends, strict=False)]

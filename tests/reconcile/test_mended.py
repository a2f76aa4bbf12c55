"""What was refused is tried again at once when what refused it changes in the cluster."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.model.command import Refused
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.reconcile.shell import BY_HAND, ONCE, Shell, app, config
from tests.reconcile.syncing import SHOP, X, calls, value

DENIED = Refused(X, 403, "denied by a policy", retryable=False)
DOWN = Refused(X, 500, "a webhook is down", retryable=True)
FILES = {"apps/shop/x": config("x")}


async def refused(answer: Refused = DENIED, **spec: object) -> Shell:
    shell = Shell()
    shell.declare(app("shop", **spec))
    shell.world.answers[X] = [answer] * 500
    shell.git.push(FILES)
    await shell.settle(for_s=5000.0)
    return shell


async def test_content_is_tried_at_once_when_what_refused_it_changes() -> None:
    shell = await refused()
    shell.world.answers.clear()
    before = value_or_none(shell)
    shell.world.mend()
    await shell.settle(for_s=31.0)

    assert (None, "1", None) == (before, value(shell), shell.status("shop").failing)


async def test_limit_counts_tries_of_one_state_of_the_cluster() -> None:
    shell = await refused(**ONCE)
    tried = len(calls(shell, "apply"))
    shell.world.answers.clear()
    shell.world.mend()
    await shell.settle(for_s=31.0)

    assert (1, "1") == (tried, value(shell))


async def test_refused_heal_is_tried_at_once_when_what_refused_it_changes() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push(FILES)
    await shell.settle(for_s=60.0)
    shell.world.answers[X] = [DENIED] * 500
    shell.world.edit(X, "data", "value", value="drifted")
    await shell.settle(for_s=5000.0)
    shell.world.answers.clear()
    shell.world.mend()
    await shell.settle(for_s=31.0)

    assert "1" == value(shell)


async def test_what_changes_all_the_time_is_no_reason_to_try_all_the_time() -> None:
    shell = await refused()
    before = len(calls(shell, "apply"))
    for _ in range(600):
        shell.world.mend()
        await shell.settle(for_s=1.0)

    assert len(calls(shell, "apply")) - before <= 600 / 30 + 1


async def test_change_alone_does_nothing_against_a_persons_word() -> None:
    by_hand = await refused(**BY_HAND)
    ended = Shell()
    ended.declare(app("shop"))
    ended.world.answers[X] = [DOWN] * 4
    ended.git.push(FILES)
    await ended.settle(for_s=3.0)
    await ended.commands.terminate(SHOP)
    await ended.settle(for_s=60.0)
    for shell in (by_hand, ended):
        shell.world.answers.clear()
        shell.world.mend()
        await shell.settle(for_s=5000.0)

    assert (set(), set()) == (by_hand.names(), ended.names())
    assert OperationPhase.FAILED is ended.operation("shop").phase


async def test_who_has_no_answer_asks_once_a_minute_and_not_eight_times_a_try() -> None:
    shell = await refused(DOWN)
    before = len(calls(shell, "apply"))
    await shell.settle(for_s=630.0)

    assert 3 * 9 <= len(calls(shell, "apply")) - before <= 3 * 11


async def test_dry_run_of_a_person_takes_away_nothing() -> None:
    shell = await refused()
    await shell.commands.sync(SHOP, replace(SyncRequest(asked_s=1.0, initiated_by="ann"), dry_run=True))
    await shell.settle(for_s=5.0)
    shell.world.answers.clear()
    await shell.settle(for_s=400.0)

    assert "1" == value(shell)


def value_or_none(shell: Shell) -> str | None:
    return value(shell) if X in shell.world.objects else None

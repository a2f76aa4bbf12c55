"""What the server refuses or does not answer, and what ends a sync before its time."""

from __future__ import annotations

from typing import Any

from gitopsd.core.sync.step import absorb
from gitopsd.model.command import Apply, Command, Refused
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import EndReason, OperationPhase
from tests.core.lives import live_of, manifest_of
from tests.core.stepping import OLD, ONE, TWO, WEB, world


def refusing(key: ResourceKey, code: int, *, retryable: bool, times: int = 1000) -> Any:
    left = [times]

    def refuse(command: Command) -> Refused | None:
        if command.key != key or left[0] == 0:
            return None
        left[0] -= 1
        return Refused(key, code, "no", retryable, "mend it")

    return refuse


def test_final_refusal_fails_the_sync_with_the_servers_words() -> None:
    here = world(ONE, TWO, WEB, waves={WEB: 1}, refuse=refusing(ONE, 422, retryable=False))
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation())

    assert OperationPhase.FAILED is done.phase
    assert "/ConfigMap:prod/one: no (422); mend it" in done.message
    assert ["Apply two"] == here.keys_written()


def test_refusal_that_may_pass_is_tried_again_after_a_rest() -> None:
    here = world(ONE, refuse=refusing(ONE, 503, retryable=True, times=3))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert 1000 + 1 + 2 + 4 == here.now_s


def test_sync_that_rests_after_a_refusal_says_what_was_refused() -> None:
    here = world(ONE, TWO, refuse=refusing(ONE, 503, retryable=True))
    first = here.step(here.operation())

    resting = here.step(absorb(first.operation, [here.run(command) for command in first.commands], here.now_s))

    assert (()) == resting.commands
    assert "tried again: /ConfigMap:prod/one: no (503); mend it" == resting.operation.message


def test_refusal_that_never_passes_fails_in_the_end() -> None:
    here = world(ONE, refuse=refusing(ONE, 503, retryable=True))

    assert OperationPhase.FAILED is here.finish(here.operation()).phase
    assert [] == here.writes


def test_cluster_that_does_not_answer_is_tried_until_the_operations_deadline() -> None:
    here = world(ONE, refuse=refusing(ONE, 0, retryable=True, times=20))

    assert OperationPhase.SUCCEEDED is here.finish(here.operation()).phase
    assert here.now_s > 2000

    here.refuse = refusing(TWO, 0, retryable=True)
    here.target = {TWO: manifest_of(TWO)}
    assert OperationPhase.ERROR is here.finish(here.operation()).phase


def test_clock_that_steps_back_does_not_stretch_a_rest() -> None:
    here = world(ONE)

    assert [ONE] == [command.key for command in here.step(here.operation(not_before_s=1e9)).commands]


def test_task_whose_answer_was_lost_is_asked_again() -> None:
    here = world(ONE)
    first = here.step(here.operation())

    again = here.step(first.operation)

    assert first.commands == again.commands
    assert isinstance(again.commands[0], Apply)


def test_delete_whose_answer_was_lost_is_not_sent_to_another_object() -> None:
    here = world()
    here.lives[ONE] = live_of(ONE)
    first = here.step(here.operation())
    here.lives[ONE] = live_of(ONE, uid=Uid("recreated"))

    assert () == here.step(first.operation).commands


def test_newer_content_takes_over_at_once() -> None:
    here = world(ONE)
    running = here.step(here.operation()).operation
    here.target = {ONE: manifest_of(ONE, data={"new": "1"})}

    ended = here.step(running)

    assert ((), OperationPhase.FAILED, EndReason.SUPERSEDED) == (
        ended.commands,
        ended.operation.phase,
        ended.operation.end,
    )


def test_pinned_revision_is_not_superseded_but_never_applies_another_content() -> None:
    here = world(ONE)
    running = here.operation(pinned=True)
    here.target = {ONE: manifest_of(ONE, data={"new": "1"})}

    ended = here.step(running)

    assert OperationPhase.FAILED is ended.operation.phase
    assert "another content" in ended.operation.message


def test_terminated_operation_ends_at_once() -> None:
    here = world(ONE)

    ended = here.step(here.operation(phase=OperationPhase.TERMINATING))

    assert ((), OperationPhase.FAILED, EndReason.TERMINATED) == (
        ended.commands,
        ended.operation.phase,
        ended.operation.end,
    )


def test_dry_run_tells_and_writes_nothing() -> None:
    here = world(ONE)
    here.lives[OLD] = live_of(OLD)

    done = here.finish(here.operation(dry_run=True))

    assert OperationPhase.SUCCEEDED is done.phase
    assert [] == here.writes
    assert {ONE, OLD} == {task.key for task in done.tasks}


def test_operation_that_is_over_stays_so() -> None:
    here = world(ONE)
    done = here.finish(here.operation())

    assert (done, ()) == (here.step(done).operation, here.step(done).commands)

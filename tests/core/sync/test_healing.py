"""What drifts while a sync runs, and how often an object is healed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.healing import Drifted, Pacing, counted, mended, resting
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.operation import (
    EVERYTHING,
    Heal,
    Operation,
    OperationCause,
    OperationPhase,
    OperationScope,
    Task,
    TaskState,
    TaskVerb,
    operation_from_json,
    operation_to_json,
)
from tests.core.lives import config_key

CONTENT, PACING = TargetHash("content"), Pacing()
X, Y = Task(config_key("x"), TaskVerb.APPLY), Task(config_key("y"), TaskVerb.APPLY)
OLD = Task(config_key("old"), TaskVerb.PRUNE, state=TaskState.APPLIED)


def running(*tasks: Task, **fields: Any) -> Operation:
    made = Operation("op", AppName("shop"), ClusterId("c"), CONTENT, (), tasks, cause=OperationCause.CONTENT)
    return replace(made, **fields)


def done(task: Task, state: TaskState = TaskState.DONE) -> Task:
    return replace(task, state=state, message="it waits", since_s=990.0)


def drifted(*tasks: Task, heals: bool = True, gone: bool = False, target: TargetHash = CONTENT) -> Drifted:
    return Drifted(target, tasks, frozenset(task.key for task in tasks if gone), heals=heals)


@pytest.mark.parametrize("state", [TaskState.APPLIED, TaskState.DONE])
@pytest.mark.parametrize("heals", [True, False])
def test_what_the_sync_wrote_and_is_gone_is_written_again(state: TaskState, heals: bool) -> None:  # noqa: FBT001 - a case
    found, again_s = mended(running(done(X, state), OLD), drifted(X, gone=True, heals=heals), 1000.0, PACING)

    assert (TaskState.PENDING, "", True) == (found.tasks[0].state, found.tasks[0].message, found.tasks[0].checked)
    assert ((Heal(X.key, 1, 1000.0),), None, OLD) == (found.healed, again_s, found.tasks[1])


def test_what_has_changed_is_healed_where_that_is_allowed() -> None:
    operation = running(done(X), OLD)

    assert operation == mended(operation, drifted(X, heals=False), 1000.0, PACING)[0]
    assert TaskState.PENDING is mended(operation, drifted(X), 1000.0, PACING)[0].tasks[0].state


def test_what_was_in_sync_before_is_healed_beside_the_sync() -> None:
    operation = running(done(X), OLD)

    assert operation == mended(operation, drifted(Y, gone=True, heals=False), 1000.0, PACING)[0]
    assert replace(Y, checked=True) == mended(operation, drifted(Y), 1000.0, PACING)[0].tasks[-1]


@pytest.mark.parametrize("state", [TaskState.PENDING, TaskState.ISSUED, TaskState.SKIPPED])
def test_what_the_sync_is_still_to_write_waits_for_its_place(state: TaskState) -> None:
    operation = running(done(X, state), OLD)

    assert (operation, None) == mended(operation, drifted(X, gone=True), 1000.0, PACING)


@pytest.mark.parametrize(
    "fields",
    [
        {"phase": OperationPhase.TERMINATING},
        {"cause": OperationCause.DELETION},
        {"scope": OperationScope(dry_run=True)},
        {"scope": OperationScope(selective=True)},
        {"target": TargetHash("another")},
        {"tasks": (done(X), replace(Y, state=TaskState.FAILED))},
    ],
)
def test_sync_that_is_of_something_else_or_ends_mends_nothing(fields: Any) -> None:
    operation = running(**{"tasks": (done(X), OLD), "scope": EVERYTHING, **fields})

    assert (operation, None) == mended(operation, drifted(X, gone=True), 1000.0, PACING)


def test_what_goes_again_and_again_is_written_ever_later() -> None:
    once, _ = mended(running(done(X)), drifted(X, gone=True), 1000.0, PACING)
    operation = replace(operation_from_json(operation_to_json(once)), tasks=(done(X),))

    assert (operation, 14.0) == mended(operation, drifted(X, gone=True), 1001.0, PACING)
    twice, _ = mended(operation, drifted(X, gone=True), 1015.0, PACING)
    assert (Heal(X.key, 2, 1015.0),) == twice.healed


def test_heals_are_forgotten_after_a_calm_time() -> None:
    before = (Heal(X.key, 4, 1000.0),)

    assert {X.key: 200.0} == resting(before, [X.key, Y.key], 1100.0, PACING)
    assert {} == resting(before, [X.key], 1306.0, PACING)
    assert {} == resting(before, [X.key], 900.0, PACING), "a clock that stepped back"
    assert (Heal(Y.key, 1, 1306.0),) == counted(before, [Y.key], 1306.0, PACING)

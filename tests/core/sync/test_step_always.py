"""What holds for every operation, whatever the server answers, whenever the daemon dies, however the clock runs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.core.sync.plan import PlanScope
from gitopsd.core.sync.step import absorb
from gitopsd.core.target.order import group_of
from gitopsd.core.target.sync_options import Consent
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Applied, Command, Prune, Refused, Release
from gitopsd.model.health import Health
from gitopsd.model.operation import (
    HookEnd,
    Operation,
    OperationPhase,
    SyncPhase,
    TaskState,
    TaskVerb,
    operation_from_json,
    operation_to_json,
)
from tests.core.drawn import JOBS, STATES, verb_of, worlds
from tests.core.worlds import World


@settings(max_examples=250, deadline=None)
@given(world=worlds(), scope=st.builds(PlanScope, prune=st.booleans()), data=st.data())
def test_every_operation_ends_in_order_and_deletes_only_what_it_may(
    world: World, scope: PlanScope, data: st.DataObject
) -> None:
    operation = world.operation(scope)
    tasks = {(task.key, task.verb): task for task in operation.tasks}
    before = dict(world.lives)
    for _ in range(400):
        now = world.step(operation)
        operation = operation_from_json(operation_to_json(now.operation))
        if operation.phase.over:
            break
        results = [_answer(world, command, data) for command in now.commands]
        operation = absorb(operation, [result for result in results if result is not None], world.now_s)
        world.now_s += data.draw(st.sampled_from([0.0, 0.0, 1.0, 61.0, 2000.0, -50.0]))
        world.now_s += now.again_after_s or 0.0
        operation = _interfere(world, operation, data)
    assert operation.phase.over
    if operation.phase is OperationPhase.SUCCEEDED:
        assert {task.state for task in operation.tasks} <= {TaskState.DONE, TaskState.SKIPPED, TaskState.PENDING}
    orders = [command for command in world.writes if not isinstance(command, Release)]  # ends come when they come
    written = [tasks[key] for command in orders if (key := (command.key, verb_of(command))) in tasks]
    groups = [group_of(task) for task in written]
    assert sorted(groups) == groups
    _check_hooks(world, operation)
    for command in world.writes:
        assert command.key not in world.guard.others
        if isinstance(command, Prune):
            assert scope.prune
            _check_prune(world, before[command.key])


def _answer(world: World, command: Command, data: st.DataObject) -> Applied | None:
    """Run `command`, refuse it, or lose the answer: the daemon was killed before, or after, the write."""
    match data.draw(st.sampled_from(["done"] * 6 + ["refused", "retry", "lost"] + ["answer lost"] * 2)):
        case "refused":
            return Refused(command.key, 422, "no", retryable=False)
        case "retry":
            return Refused(command.key, 503, "later", retryable=True)
        case "lost":
            return None
        case "answer lost":
            world.run(command)
            return None
        case _:
            return world.run(command)


def _interfere(world: World, operation: Operation, data: st.DataObject) -> Operation:
    """Delete a hook as a person or its time to live would, let another end, or end the sync as a person does."""
    match data.draw(st.sampled_from(["nothing"] * 12 + ["delete", "end", "terminate"])):
        case "delete":
            for key in sorted(key for key, live in world.lives.items() if key in JOBS and live.guarded):
                world.change(key, deleting=True)
        case "end":
            for key in sorted(key for key, live in world.lives.items() if key in JOBS):
                world.change(key, health=Health(data.draw(STATES)))
        case "terminate":
            return replace(operation, phase=OperationPhase.TERMINATING)
        case _:
            pass
    return operation


def _check_hooks(world: World, operation: Operation) -> None:
    """Check that no hook was run twice, and that all of a sync that has succeeded have been run to their end."""
    assert len(set(world.begun)) == len(world.begun)
    runs = [task for task in operation.tasks if task.verb is TaskVerb.HOOK and task.end is not HookEnd.LEFT]
    failures = [task for task in runs if task.phase is SyncPhase.SYNC_FAIL]
    if operation.phase is OperationPhase.SUCCEEDED:
        assert all(task.end is HookEnd.SUCCEEDED for task in runs if task not in failures)
        assert all(task.state is TaskState.SKIPPED for task in failures)
    if not any(task.state is TaskState.FAILED for task in operation.tasks):
        assert not {task.key.name for task in failures} & set(world.begun)
    assert not any(task.state in (TaskState.ISSUED, TaskState.APPLIED) for task in operation.tasks)


def _check_prune(world: World, live: LiveObject) -> None:
    assert live.key not in world.target
    assert live.key not in world.unreadable
    assert not world.guard.barrier
    assert live.key not in world.guard.residents
    assert not live.controlled
    assert not live.by_argocd
    assert world.guard.options.prune is Consent.GIVEN
    assert ("argocd.argoproj.io/sync-options", "Prune=false") not in live.marks

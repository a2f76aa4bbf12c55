"""What holds for every operation, whatever the server answers, whenever the daemon dies, however the clock runs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.core.options import Consent, SyncOptions
from gitopsd.core.order import group_of
from gitopsd.core.plan import Scope
from gitopsd.core.prune import Guard
from gitopsd.core.step import absorb
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Applied, Command, Prune, Refused
from gitopsd.model.comparison import Unreadable
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, TaskState, Verb, operation_from_json, operation_to_json
from tests.core.lives import SHOP, live_of, manifest_of
from tests.core.worlds import World

KINDS = (("", "Namespace"), ("", "ConfigMap"), ("apps", "Deployment"), ("example.org", "Car"))
KEYS = [ResourceKey(group, kind, "" if kind == "Namespace" else "prod", name) for group, kind in KINDS for name in "ab"]
MARKS = st.sampled_from(
    [(), (("argocd.argoproj.io/sync-options", "Prune=false"),), (("argocd.argoproj.io/sync-wave", "3"),)]
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    wanted = draw(st.sets(st.sampled_from(KEYS)))
    target = {
        key: manifest_of(key, annotations={"argocd.argoproj.io/sync-wave": str(draw(st.integers(-1, 1)))})
        for key in sorted(wanted)
    }
    here = draw(st.sets(st.sampled_from(KEYS)))
    lives = {
        key: live_of(
            key, controlled=draw(st.integers(0, 9)) == 0, by_argocd=draw(st.integers(0, 9)) == 0, marks=draw(MARKS)
        )
        for key in sorted(here)
    }
    others = {key: frozenset({AppName("other")}) for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))}
    barrier = draw(st.sampled_from([(), (), (AppName("late"),)]))
    unreadable = {
        key: Unreadable("403", pending=draw(st.booleans())) for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))
    }
    options = SyncOptions(prune=draw(st.sampled_from(Consent)), prune_last=draw(st.booleans()))
    sick = draw(st.sampled_from([HealthStatus.HEALTHY, HealthStatus.PROGRESSING, HealthStatus.DEGRADED]))
    return World(
        target,
        lives,
        Guard(SHOP, options, barrier, others),
        dict(unreadable),
        health=lambda key: Health(sick) if key.kind == "Deployment" else None,
    )


@settings(max_examples=150, deadline=None)
@given(world=worlds(), scope=st.builds(Scope, prune=st.booleans()), data=st.data())
def test_every_operation_ends_in_order_and_deletes_only_what_it_may(
    world: World, scope: Scope, data: st.DataObject
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
    assert operation.phase.over
    if operation.phase is OperationPhase.SUCCEEDED:
        assert {task.state for task in operation.tasks} <= {TaskState.DONE, TaskState.SKIPPED, TaskState.PENDING}
    groups = [group_of(tasks[command.key, _verb(command)]) for command in world.writes]
    assert sorted(groups) == groups
    for command in world.writes:
        assert command.key not in world.guard.others
        if isinstance(command, Prune):
            assert scope.prune
            _check_prune(world, before[command.key])


def _answer(world: World, command: Command, data: st.DataObject) -> Applied | None:
    """Run `command`, refuse it, or lose the answer: the daemon was killed before, or after, the write."""
    match data.draw(st.sampled_from(["done"] * 6 + ["refused", "retry", "lost", "answer lost"])):
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


def _check_prune(world: World, live: LiveObject) -> None:
    assert live.key not in world.target
    assert live.key not in world.unreadable
    assert not world.guard.barrier
    assert not live.controlled
    assert not live.by_argocd
    assert world.guard.options.prune is Consent.GIVEN
    assert ("argocd.argoproj.io/sync-options", "Prune=false") not in live.marks


def _verb(command: Command) -> Verb:
    return Verb.PRUNE if isinstance(command, Prune) else Verb.APPLY

"""One operation in a world in which everything else happens too: what always holds (decision 20), and that it ends."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gitopsd.core.compare.pairing import owns
from gitopsd.core.sync.deletion import deletion
from gitopsd.core.sync.plan import DELETION, PlanScope, plan
from gitopsd.core.sync.prune import prune_refusal
from gitopsd.core.sync.step import Step, SyncLimits, absorb
from gitopsd.core.target.hooks import Hook, hook_of
from gitopsd.core.target.order import group_of
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Applied, Apply, Command, DryRun, Prune, Refused
from gitopsd.model.comparison import Unreadable
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, ResourceVersion, Uid
from gitopsd.model.manifest import ResourceKey, annotations_of
from gitopsd.model.operation import (
    HookEnd,
    Operation,
    OperationCause,
    OperationPhase,
    SyncPhase,
    TaskState,
    TaskVerb,
    operation_from_json,
    operation_to_json,
)
from tests.core.drawn import HOOK, JOBS, KEYS, STATES, verb_of, worlds
from tests.core.lives import SHOP, manifest_of
from tests.core.worlds import World

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
LIMITS = SyncLimits(operation_s=3600.0, gate_s=1800.0)
ENDS_IN = 1000  # passes, once nobody interferes any more
HOW = st.sampled_from(["done"] * 16 + ["refused", "retry", "retry", "no answer", "killed before", "killed after"])
SELDOM = st.sampled_from([True] + [False] * 40)
OTHER = frozenset({AppName("other")})


class OneOperation(RuleBasedStateMachine):
    """Each rule is something that may happen between two steps; the daemon may die at any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.issued: tuple[Command, ...] = ()  # by the last step, and not answered
        self.versions = 10_000
        self.written: list[Command] = []
        self.put_off: set[ResourceKey] = set()

    @initialize(
        world=worlds(), prune=st.booleans(), kind=st.sampled_from(["sync"] * 4 + ["dry", "pinned"] + ["delete"] * 2)
    )
    def begin(self, world: World, prune: bool, kind: str) -> None:  # noqa: FBT001 - drawn
        self.world, self.kind = world, kind
        self.scope = PlanScope(prune=prune)
        fields: dict[str, Any] = {"dry_run": kind == "dry", "pinned": kind == "pinned"}
        if kind == "delete":
            world.hooks = tuple(_of_deletion(hook, place) for place, hook in enumerate(world.hooks))
            world.target, world.guard = {}, replace(world.guard, deleting=True)
            self.operation = self._deletion()
        else:
            self.operation = world.operation(self.scope, **fields)
        self.planned = {(task.key, task.verb): task for task in self.operation.tasks}

    def _deletion(self) -> Operation:
        world = self.world
        todo = deletion(world.resources(), world.guarding(), world.readings())
        header = replace(world.operation(PlanScope(), cause=OperationCause.DELETION), tasks=())
        planned = plan(header, todo, world.hooks, world.readings())
        return replace(planned, tasks=tuple(replace(task, checked=True) for task in planned.tasks))

    # what the daemon does

    @precondition(lambda self: not self.operation.phase.over)
    @rule(how=HOW, again=st.booleans())
    def goes_on(self, how: str, again: bool) -> None:  # noqa: FBT001 - drawn
        self.step()
        if self.issued:
            self.answer(how)
        if again and not self.operation.phase.over:
            self.step()  # with commands that nobody answers: it was killed before they were sent

    def step(self) -> None:
        now = self.world.step(self.operation, LIMITS)
        self._check(now)
        self.operation = operation_from_json(operation_to_json(now.operation))  # a restart comes any time
        self.issued = now.commands
        self.put_off |= {task.key for task in now.operation.tasks if task.state is TaskState.PENDING and task.message}
        if not now.commands:
            self.world.now_s += min(now.again_after_s or 0.0, 30.0)

    def answer(self, how: str) -> None:
        results: list[Applied] = []
        for place, command in enumerate(self.issued):
            turn = how if place % 2 == 0 else "done"  # some of them
            if turn == "killed before":
                break
            found = self._run(command, turn)
            if turn == "killed after":
                break
            results.append(found)
        self.issued = ()
        self.operation = absorb(self.operation, results, self.world.now_s)

    # what everybody else does

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 700.0, -50.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now_s += seconds

    @rule(key=st.sampled_from(KEYS), how=st.sampled_from(["edit", "delete", "replace", "ill", "well"]))
    def somebody_writes(self, key: ResourceKey, how: str) -> None:
        live = self.world.lives.get(key)
        if live is None:
            return
        match how:
            case "edit":
                self.world.change(key, resource_version=self._version())
            case "delete":
                del self.world.lives[key]
            case "replace":
                self.world.change(key, uid=Uid(f"new-{self.versions}"), resource_version=self._version())
            case _:
                self.world.change(key, controlled=how == "ill", resource_version=self._version())

    @rule(key=st.sampled_from(JOBS), state=STATES, deleting=st.booleans())
    def hook_comes_to(self, key: ResourceKey, state: Any, deleting: bool) -> None:  # noqa: FBT001 - drawn
        live = self.world.lives.get(key)
        if live is not None:
            gone = live.deleting or (deleting and live.guarded)
            self.world.change(key, health=Health(state), deleting=gone, resource_version=self._version())

    @rule(key=st.sampled_from([*KEYS, *JOBS]), pending=st.booleans(), really=SELDOM)
    def reading_fails(self, key: ResourceKey, pending: bool, really: bool) -> None:  # noqa: FBT001 - drawn
        if not really:
            return
        self.world.unreadable[key] = Unreadable("403", pending=pending)

    @rule()
    def everybody_is_content(self) -> None:
        self.world.unreadable.clear()
        self.world.guard = replace(self.world.guard, others={}, barrier=())

    @rule(key=st.sampled_from(KEYS), barrier=st.booleans(), really=SELDOM)
    def another_application_wants(self, key: ResourceKey, barrier: bool, really: bool) -> None:  # noqa: FBT001 - drawn
        if not really:
            return
        guard = self.world.guard
        late = (AppName("late"),) if barrier else ()
        self.world.guard = replace(guard, others={**guard.others, key: OTHER}, barrier=late)

    @precondition(lambda self: self.kind != "delete")
    @rule(key=st.sampled_from(KEYS), hook=st.booleans(), really=SELDOM)
    def git_changes(self, key: ResourceKey, hook: bool, really: bool) -> None:  # noqa: FBT001 - drawn
        if not really:
            return
        self.versions += 1
        changed = manifest_of(key, data={"v": f"{self.versions}"})
        self.world.target = {**self.world.target, key: changed}
        if hook:
            self.world.hooks = self.world.hooks[1:]

    @precondition(lambda self: not self.operation.phase.over)
    @rule(really=SELDOM)
    def a_person_ends_it(self, really: bool) -> None:  # noqa: FBT001 - drawn
        if not really:
            return
        self.operation = replace(self.operation, phase=OperationPhase.TERMINATING)

    # what always holds

    @invariant()
    def no_hook_is_run_twice(self) -> None:
        assert len(set(self.world.begun)) == len(self.world.begun)

    @invariant()
    def an_operation_that_is_over_leaves_nothing_half_done(self) -> None:
        if getattr(self, "operation", None) is None or not self.operation.phase.over:
            return
        states = {task.state for task in self.operation.tasks}
        assert not states & {TaskState.ISSUED, TaskState.APPLIED}
        assert self.operation.finished_s is not None
        if self.operation.phase is OperationPhase.SUCCEEDED:
            assert TaskState.FAILED not in states

    @invariant()
    def groups_are_written_one_after_the_other(self) -> None:
        places = [
            group_of(task)
            for command in self.written
            if (task := self.planned.get((command.key, verb_of(command)))) and task.verb is not TaskVerb.HOOK
            if command.key not in self.put_off  # it comes when it may
        ]
        assert sorted(places) == places

    def teardown(self) -> None:
        """However it stands: left alone, with a server that answers, it ends."""
        if getattr(self, "operation", None) is None:
            return
        for _ in range(ENDS_IN):
            if self.operation.phase.over:
                break
            self.step()
            if self.issued:
                self.answer(how="done")
        assert self.operation.phase.over, self.operation
        self.an_operation_that_is_over_leaves_nothing_half_done()

    # how

    def _version(self) -> ResourceVersion:
        self.versions += 1
        return ResourceVersion(f"{self.versions}")

    def _run(self, command: Command, how: str) -> Applied:
        match how:
            case "refused":
                return Refused(command.key, 422, "no", retryable=False)
            case "retry":
                return Refused(command.key, 503, "later", retryable=True)
            case "no answer":
                return Refused(command.key, 0, "no answer", retryable=True)
            case _:
                pass
        live = self.world.lives.get(command.key)
        if isinstance(command, Prune):
            if live is None:
                return Refused(command.key, 404, "not found", retryable=False)
            if (live.uid, live.resource_version) != (command.uid, command.resource_version):
                return Refused(command.key, 409, "the object has been modified", retryable=True)
        if not isinstance(command, DryRun):
            self.written.append(command)
        return self.world.run(command)

    def _check(self, now: Step) -> None:
        """Check what a step asks for against the world that it was shown."""
        for command in now.commands:
            assert not (self.operation.scope.dry_run and not isinstance(command, DryRun))
            match command:
                case Prune(key=key, uid=uid, resource_version=version):
                    live = self.world.lives[key]
                    assert (live.uid, live.resource_version) == (uid, version)
                    self._check_prune(live)
                case Apply(key=key) if key in JOBS:
                    self._check_run(key, command, now.operation)
                case Apply(key=key, manifest=manifest):
                    assert key not in self.world.guard.others
                    assert self.world.target[key] == manifest
                    assert self.planned[key, TaskVerb.APPLY].target == command.target
                case _:
                    pass

    def _check_prune(self, live: LiveObject) -> None:
        assert self.kind == "delete" or self.scope.prune
        assert self.kind == "delete" or live.key not in self.world.target
        assert live.key not in self.world.unreadable
        assert owns(SHOP, live)
        assert live.uid == self.planned[live.key, TaskVerb.PRUNE].uid
        assert prune_refusal(live, self.world.guarding(), self.operation.started_s) is None

    def _check_run(self, key: ResourceKey, command: Apply, operation: Operation) -> None:
        """Check that a hook runs as Git has it, and those of a deletion when it is their turn."""
        assert any(hook.hash == command.target for hook in self.world.hooks)
        phase = next(
            task.phase
            for task in operation.tasks
            if task.key == key and task.verb is TaskVerb.HOOK and task.end is not HookEnd.LEFT
        )
        assert (phase in DELETION) is (self.kind == "delete")
        if phase is SyncPhase.POST_DELETE:
            before = [task for task in operation.tasks if task.phase is not phase]
            assert {task.state for task in before} <= {TaskState.DONE, TaskState.SKIPPED, TaskState.APPLIED}


OneOperation.TestCase.settings = settings(
    max_examples=3000 if SOAK else 80,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOneOperation = OneOperation.TestCase


def _of_deletion(hook: Hook, place: int) -> Hook:
    annotations = {**annotations_of(hook.manifest), HOOK: ("PreDelete", "PostDelete", "PreDelete")[place]}
    return hook_of(manifest_of(hook.key, annotations=annotations))

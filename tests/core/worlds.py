"""A small cluster for steps: it does what commands say, refuses when told to, and keeps a log of writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsd.core.compare.pairing import pairs
from gitopsd.core.compare.verdict import Basis, Doubtful, comparison, extra, verdict
from gitopsd.core.objects.hashes import object_hash, target_hash
from gitopsd.core.sync.actions import Observed
from gitopsd.core.sync.plan import PlanScope, plan, work
from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.step import Step, SyncLimits, absorb, step
from gitopsd.core.target.hooks import Hook
from gitopsd.core.target.sync_options import marks_of
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Accepted, Applied, Apply, Command, CreateNamespace, DryRun, Prune, Refused, Release
from gitopsd.model.comparison import Absent, Compared, Found, Reading, SyncStatus
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, ClusterId, ResourceVersion, TargetHash, TrackingId, Uid
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import Operation, OperationScope, PlannedWork, operation_from_json, operation_to_json
from gitopsd.model.residents import Residents, is_holder
from tests.core.lives import HEALTHY, SHOP, live_of

LIMITS = SyncLimits()
GUARD = Guard(SHOP)
ALL = PlanScope(prune=True)


@dataclass
class World:
    target: Mapping[ResourceKey, Manifest] = field(default_factory=dict)
    lives: dict[ResourceKey, LiveObject] = field(default_factory=dict)
    guard: Guard = GUARD
    unreadable: dict[ResourceKey, Reading] = field(default_factory=dict)
    refuse: Callable[[Command], Refused | None] = lambda _: None
    health: Callable[[ResourceKey], Health | None] = lambda _: HEALTHY
    established: bool = True
    now_s: float = 1000.0
    writes: list[Command] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # names of the hooks that were run
    version: int = 100
    hooks: tuple[Hook, ...] = ()
    checks: bool = False  # operations try what they write by dry runs first

    def readings(self) -> dict[ResourceKey, Reading]:
        absent: dict[ResourceKey, Reading] = {key: Absent() for key in self.target}
        return {**absent, **{key: Found(live) for key, live in self.lives.items()}, **self.unreadable}

    def seen(self) -> Observed:
        hashes = {key: object_hash(manifest) for key, manifest in self.target.items()}
        content = {**hashes, **{hook.key: hook.hash for hook in self.hooks}}
        return Observed(target_hash(content), self.target, hashes, self.readings(), self.guarding(), self.hooks)

    def guarding(self) -> Guard:
        """Return the guard; of objects of which it says nothing else it is known that nothing lives in them."""
        empty = {key: Residents() for key in self.lives if is_holder(key)}
        return replace(self.guard, residents={**empty, **self.guard.residents})

    def resources(self) -> tuple[Compared, ...]:
        """Return the verdicts; what is doubtful counts as OutOfSync."""
        hashes = self.seen().hashes
        found = []
        for pair in pairs(SHOP, self.target, self.readings()):
            if pair.target is None:
                found.append(extra(pair))
                continue
            judged = verdict(pair, pair.target, Basis(hashes[pair.key]), None)
            found.append(Compared(pair, SyncStatus.OUT_OF_SYNC) if isinstance(judged, Doubtful) else judged)
        return comparison(found, None).resources

    def work(self, scope: PlanScope = ALL) -> PlannedWork:
        return work(self.resources(), self.seen().hashes, self.guarding(), scope)

    def operation(self, scope: PlanScope = ALL, **fields: Any) -> Operation:
        header: dict[str, Any] = {
            "id": "op",
            "app": AppName("shop"),
            "cluster": ClusterId("c"),
            "target": TargetHash(self.seen().target),
            "revisions": (),
            "tasks": (),
            "started_s": self.now_s,
        }
        over = {name: fields.pop(name) for name in ("dry_run", "pinned", "selective") if name in fields}
        header["scope"] = OperationScope(prune=scope.prune, **over)
        todo = self.work(replace(scope, hooks=self.hooks))
        planned = plan(Operation(**{**header, **fields}), todo, self.hooks, self.readings())
        return replace(planned, tasks=tuple(replace(task, checked=not self.checks) for task in planned.tasks))

    def run(self, command: Command) -> Applied:
        if (refusal := self.refuse(command)) is not None:
            return refusal
        if isinstance(command, DryRun):
            return Accepted(command.key, changed=False)
        self.writes.append(command)
        self.version += 1
        version = ResourceVersion(str(self.version))
        match command:
            case Prune():
                live = self.lives.get(command.key)
                assert live is not None
                assert (live.uid, live.resource_version) == (command.uid, command.resource_version)
                del self.lives[command.key]
                return Accepted(command.key, changed=True)
            case Release():
                here = self.lives.get(command.key)
                if here is not None and here.uid == command.uid:
                    self.lives[command.key] = replace(here, guarded=False, resource_version=version)
                    if command.delete or here.deleting:
                        del self.lives[command.key]
                return Accepted(command.key, changed=True)
            case Apply() | CreateNamespace():
                before = self.lives.get(command.key)
                uid = before.uid if before else Uid(f"uid-{self.version}")
                marks = marks_of(command.manifest) if isinstance(command, Apply) else ()
                if before is None and dict(marks).get("gitopsd.io/operation-id"):
                    self.begun.append(command.key.name)
                self.lives[command.key] = live_of(
                    command.key,
                    uid=uid,
                    resource_version=version,
                    health=self.health(command.key),
                    established=self.established,
                    tracking=TrackingId(SHOP, command.key) if isinstance(command, Apply) else None,
                    marks=marks,
                    guarded=isinstance(command, Apply) and "finalizers" in command.manifest["metadata"],
                )
                return Accepted(command.key, changed=True, resource_version=version)

    def step(self, operation: Operation, limits: SyncLimits = LIMITS) -> Step:
        return step(operation, self.seen(), self.now_s, limits)

    def finish(self, operation: Operation, *, passes: int = 200) -> Operation:
        """Step until the operation is over, as the shell does, letting the time pass that each step asks for."""
        for _ in range(passes):
            now = self.step(operation)
            operation = operation_from_json(operation_to_json(now.operation))
            if operation.phase.over:
                return operation
            if now.commands:
                operation = absorb(operation, [self.run(command) for command in now.commands], self.now_s)
            else:
                assert now.again_after_s is not None
                self.now_s += max(now.again_after_s, 0.1)
        raise AssertionError(f"never over: {operation}")

    def take(self, operation: Operation) -> Operation:
        """Return the operation one step and its commands further."""
        now = self.step(operation)
        return absorb(now.operation, [self.run(command) for command in now.commands], self.now_s)

    def keys_written(self) -> list[str]:
        return [f"{type(command).__name__} {command.key.name}" for command in self.writes]

    def change(self, key: ResourceKey, **fields: Any) -> None:
        self.lives[key] = replace(self.lives[key], **fields)

"""Stage 6, outcome: the steps of an operation, each stored before its commands are sent and after they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitopsd.core.compare.extra import fields_to_heal
from gitopsd.core.compare.ignore_rules import rules_for
from gitopsd.core.compare.verdict import Basis
from gitopsd.core.drift.ledger import ContestedField, held_of
from gitopsd.core.sync.actions import Observed
from gitopsd.core.sync.deletion import hooks_to_run
from gitopsd.core.sync.diagnostics import failing, with_evidence
from gitopsd.core.sync.prune import Guard, lived_in, prune_refusal
from gitopsd.core.sync.step import SyncLimits, absorb, step
from gitopsd.errors import GitopsError, Retryable
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Accepted, Applied, Apply, Command, Prune, Refused, Release
from gitopsd.model.comparison import Comparison, Found, Remembered
from gitopsd.model.ids import Revision
from gitopsd.model.manifest import ResourceKey, gvk_of
from gitopsd.model.operation import (
    Operation,
    OperationCause,
    OperationPhase,
)
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.residents import is_holder
from gitopsd.ports import Applications, Applier, Clock, Diagnostics, Inventory, LiveStates
from gitopsd.reconcile.snapshot import Snapshot
from gitopsd.runtime.tasks import at_most


@dataclass(frozen=True, slots=True)
class SyncInput:
    """What a pass found out of one application, as its sync needs it."""

    pass_request: PassRequest
    snapshot: Snapshot
    revisions: tuple[Revision, ...]
    comparison: Comparison
    fought: tuple[ContestedField, ...] = ()  # fields that gitopsd by itself leaves as they are

    @property
    def seen(self) -> Observed:
        target = self.snapshot.target
        return Observed(
            target.hash,
            target.objects,
            target.hashes,
            self.snapshot.readings,
            self.snapshot.guard,
            target.hooks,
            namespace=self.pass_request.app.sync_policy.namespace_metadata,
            extra={
                compared.pair.key: goes for compared in self.comparison.resources if (goes := fields_to_heal(compared))
            },
        )

    def seen_by(self, operation: Operation) -> Observed:
        """Return what the steps of `operation` are told: what a person asked for is not held up by a fight."""
        observed = self.seen
        if operation.cause is OperationCause.PERSON or not self.fought:
            return observed
        fields = held_of(self.fought)
        extra = {
            key: tuple(way for way in goes if way not in fields.get(key, ())) for key, goes in observed.extra.items()
        }
        return replace(observed, held=fields, extra=extra)

    def left(self, last: Operation | None) -> bool:
        """Tell whether a hook of the deletion is still to be run, where `last` is the last operation."""
        return self.pass_request.deleting and hooks_to_run(self.snapshot.target.hooks, last)


@dataclass(frozen=True, slots=True)
class OperationSteps:
    """Keeps nothing: the operation is in the store before and after its commands."""

    apps: Applications
    inventory: Inventory
    live: LiveStates
    applier: Applier
    diagnostics: Diagnostics
    now_s: Clock
    limits: SyncLimits
    at_once: int  # commands in flight for one application; the client bounds what a cluster gets
    ignored: tuple[IgnoreDifference, ...]  # of the settings: in every application

    async def take(self, operation: Operation, inputs: SyncInput) -> tuple[Operation, float | None]:
        """Step until nothing can be asked for without hearing from the cluster first."""
        observed = replace(
            inputs.seen_by(operation), ignored=(*self.ignored, *inputs.pass_request.app.ignore_differences)
        )
        while True:
            stepped = step(operation, observed, self.now_s(), self.limits)
            if stepped.operation != operation:
                explained = await self._told(operation, stepped.operation, inputs)
                operation = self._as_told(explained)
                self.apps.put_operation(operation)
            if not stepped.commands:
                return operation, stepped.again_after_s
            results = await at_most(
                self.at_once,
                stepped.commands,
                lambda command: self._run(inputs, command),
                name=f"apply {operation.app}",
            )
            operation = self._as_told(absorb(operation, results, self.now_s()))
            self.apps.put_operation(operation)
            self._remember(inputs, stepped.commands, results)

    async def _told(self, before: Operation, operation: Operation, inputs: SyncInput) -> Operation:
        """Return `operation` with what the cluster says of what has just failed, before that is let go of."""
        failed = failing(before, operation, inputs.snapshot.readings)
        if not failed:
            return operation
        cluster, diagnostics = inputs.snapshot.cluster, self.diagnostics
        evidence = await at_most(
            len(failed),
            failed,
            lambda failure: diagnostics.evidence(cluster, failure[1]),
            name=f"evidence {operation.app}",
        )
        explained = [(task, lines) for (task, _), lines in zip(failed, evidence, strict=True)]
        target = inputs.snapshot.target
        return with_evidence(
            operation, explained, [*target.objects.values(), *(hook.manifest for hook in target.hooks)]
        )

    def _as_told(self, operation: Operation) -> Operation:
        """Return `operation`, where it is not over, as a person may have ended it while its commands ran."""
        stored = self.apps.operation(operation.app)
        terminating = stored is not None and stored.id == operation.id and stored.phase is OperationPhase.TERMINATING
        return (
            replace(operation, phase=OperationPhase.TERMINATING)
            if terminating and not operation.phase.over
            else operation
        )

    async def _run(self, inputs: SyncInput, command: Command) -> Applied:
        """Run one command; no answer is a refusal of code 0, after which it is asked for again."""
        if isinstance(command, Prune) and (refusal := await self._kept(inputs, command)):
            return Refused(command.key, 0, refusal, retryable=True)
        if _may_delete(command) and await self._lived_in(inputs, command.key):
            command = _sparing(command)
        try:
            result = await self.applier.acting_as(inputs.snapshot.user).run(inputs.snapshot.cluster, command)
        except GitopsError as err:
            return Refused(command.key, 0, err.what, retryable=isinstance(err, Retryable), remedy=err.remedy)
        if isinstance(result, Accepted) and result.changed:
            self.live.written(inputs.snapshot.cluster, result)
        return result

    async def _kept(self, inputs: SyncInput, command: Prune) -> str:
        """Return why an object is not to be deleted after all: much may have come since the pass began."""
        if self.apps.get(inputs.pass_request.app.name) is None:
            return "the application is not declared any more"
        reading = inputs.snapshot.readings.get(command.key)
        if not isinstance(reading, Found):
            return "it has not been read"
        guard = await self._guard_now(inputs, reading.live)
        refusal = prune_refusal(reading.live, guard, 0.0)
        return refusal.reason if refusal is not None else ""

    async def _lived_in(self, inputs: SyncInput, key: ResourceKey) -> bool:
        """Tell whether something lives in an object, now, that is not to go with it."""
        reading = inputs.snapshot.readings.get(key)
        return isinstance(reading, Found) and bool(lived_in(reading.live, await self._guard_now(inputs, reading.live)))

    async def _guard_now(self, inputs: SyncInput, live: LiveObject) -> Guard:
        guard = inputs.snapshot.guard_now((live.key,))
        if not is_holder(live.key) or live.deleting or inputs.snapshot.residents_now is None:
            return guard
        return replace(guard, residents={live.key: await inputs.snapshot.residents_now(live)})

    def _remember(self, inputs: SyncInput, commands: Sequence[Command], results: Sequence[Applied]) -> None:
        """Store what the server has shown to be in sync by its answers."""
        proven: dict[ResourceKey, Remembered | None] = {}
        for command, result in zip(commands, results, strict=True):
            if not isinstance(command, Apply) or command.key not in inputs.snapshot.target.objects or command.how.held:
                continue
            if isinstance(result, Accepted) and result.view is not None:
                rules = rules_for((*self.ignored, *inputs.pass_request.app.ignore_differences), command.key)
                admission = self.live.admission(inputs.snapshot.cluster, gvk_of(command.manifest))
                basis = Basis(command.target, rules, admission)
                proven[command.key] = Remembered(basis.target, result.view, basis.rules.hash, basis.admission)
        if proven:
            self.inventory.remember(inputs.pass_request.app.name, inputs.snapshot.cluster, proven)


def _may_delete(command: Command) -> bool:
    """Tell whether `command` may delete an object in which others live, to make it anew or to clear up after a hook."""
    match command:
        case Apply(how=how):
            return how.recreate and is_holder(command.key)
        case Release(delete=delete):
            return delete and is_holder(command.key)
        case _:
            return False


def _sparing(command: Command) -> Command:
    """Return `command` so that it deletes nothing."""
    match command:
        case Apply(how=how):
            return replace(command, how=replace(how, recreate=False))
        case Release():
            return replace(command, delete=False)
        case _:
            return command

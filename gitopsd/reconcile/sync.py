"""Stages 5 and 6, decision and outcome: is a sync due, and one step of it, stored before and after its commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitopsd.core.compare.ignore_rules import rules_for
from gitopsd.core.compare.verdict import Basis
from gitopsd.core.sync.decide import SyncDecision, carrying, last_sync
from gitopsd.core.sync.deletion import resumed
from gitopsd.core.sync.diagnostics import failing, with_evidence
from gitopsd.core.sync.failing import refused_at
from gitopsd.core.sync.healing import Pacing, mended
from gitopsd.core.sync.plan import plan
from gitopsd.core.sync.prune import Guard, lived_in, prune_refusal
from gitopsd.core.sync.step import SUPERSEDED, TERMINATED, SyncLimits, absorb, ended, stalled, step
from gitopsd.core.sync.windows import blocked
from gitopsd.errors import GitopsError, Retryable, RevisionNotFound, Terminal
from gitopsd.model.application import Application, IgnoreDifference, Mode
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Accepted, Applied, Apply, Command, Prune, Refused, Release
from gitopsd.model.comparison import Found, Remembered
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey, gvk_of
from gitopsd.model.operation import (
    EndReason,
    Operation,
    OperationCause,
    OperationPhase,
    OperationScope,
    SyncRequest,
)
from gitopsd.model.residents import is_holder
from gitopsd.ports import Applications, Applier, Clock, Diagnostics, Inventory, LiveStates
from gitopsd.reconcile.request import taken_up
from gitopsd.reconcile.sync_input import SyncInput, drifted, due_of, last_sync_here, todo_of, waiting
from gitopsd.runtime.tasks import at_most

FENCED_S = 15.0  # should it not be told that the cluster may be written to again
CONFIRM_S = 1.0  # after an operation: should nothing have changed, no watch tells of it
OBSERVING = "mode is observe by now, so nothing more is written"


@dataclass(frozen=True, slots=True)
class Outcome:
    operation: Operation | None  # the running or last one
    waiting: str = ""  # why nothing is done about what is out of sync
    again_after_s: float | None = None
    hooks_left: bool = False  # hooks of the application's deletion are still to be run


@dataclass(frozen=True, slots=True)
class Syncer:
    """Keeps nothing: the operation is in the store before and after its commands."""

    apps: Applications
    inventory: Inventory
    live: LiveStates
    applier: Applier
    diagnostics: Diagnostics
    now_s: Clock
    new_id: Callable[[], str]
    pacing: Pacing
    limits: SyncLimits
    at_once: int  # commands in flight for one application; the client bounds what a cluster gets
    ignored: tuple[IgnoreDifference, ...]  # of the settings: in every application
    fenced: Callable[[ClusterId], str]  # why nothing may be written to a cluster now
    on_sync: Callable[[Operation], None]  # told of every operation that is over

    async def advance(self, inputs: SyncInput) -> Outcome:
        """Take the sync that runs a step further, and begin one if one is due."""
        operation, request = self.apps.operation(inputs.app.name), self.apps.request(inputs.app.name)
        if request is not None and taken_up(request, operation):
            self._taken_up(inputs.app, request)
        if operation is not None and not operation.phase.over:
            outcome = await self._further(operation, inputs)
            if outcome.operation is None or outcome.operation.end is not EndReason.SUPERSEDED:
                return outcome
            operation = outcome.operation  # nothing was written in this pass, so its comparison still holds
        operation, due = self._begun(inputs, operation)
        if operation is None or operation.phase.over:
            return Outcome(operation, due.reason, due.again_after_s, inputs.left(operation))
        return await self._further(operation, inputs)

    def stalled(self, app: Application, err: GitopsError) -> None:
        """Take note of a pass that came to nothing: what is to end by now ends, and what cannot begin is refused."""
        operation, request = self.apps.operation(app.name), self.apps.request(app.name)
        if operation is not None and not operation.phase.over:
            over = stalled(operation, err.what, self.now_s(), self.limits)
            if over is None and operation.scope.pinned and isinstance(err, RevisionNotFound):
                over = ended(operation, EndReason.REVISION_GONE, f"{err}: its revision is gone from Git", self.now_s())
            if over is not None:
                self._over(over)
        elif request is not None and not self.apps.deleting(app.name):
            late = self.now_s() - request.asked_s >= self.limits.operation_s
            if isinstance(err, Terminal) or late:
                self._refused(app, request, str(err), operation)

    async def _further(self, operation: Operation, inputs: SyncInput) -> Outcome:
        over, again_after_s = self._stopped(operation, inputs), None
        fence = self.fenced(inputs.snapshot.cluster)
        if over is None and fence and not operation.scope.dry_run:
            if operation.phase is not OperationPhase.TERMINATING:
                return Outcome(operation, fence, FENCED_S, inputs.left(operation))
            over = ended(operation, EndReason.TERMINATED, TERMINATED, self.now_s())
        if over is None:
            operation, more_s = mended(operation, drifted(inputs, operation), self.now_s(), self.pacing)
            operation, again_after_s = await self._steps(operation, inputs)
            again_after_s = min((wait_s for wait_s in (again_after_s, more_s) if wait_s is not None), default=None)
            over = operation if operation.phase.over else None
        if over is None:
            return Outcome(operation, again_after_s=again_after_s, hooks_left=inputs.left(operation))
        self._over(over)
        self._ground_moved(inputs, over)
        return Outcome(over, again_after_s=CONFIRM_S, hooks_left=inputs.left(over))

    def _ground_moved(self, inputs: SyncInput, last: Operation | None) -> bool:
        """Tell whether what the last sync was refused by has changed since; have the mirror tell when it does."""
        cluster, target = inputs.snapshot.cluster, inputs.snapshot.target
        here = last is not None and last.cluster == cluster
        manifests = (*target.objects.values(), *(hook.manifest for hook in target.hooks))
        places = refused_at(last, manifests) if here else ()
        return self.live.refused(cluster, inputs.app.name, last.id if last is not None else "", places)

    def _stopped(self, operation: Operation, inputs: SyncInput) -> Operation | None:
        """Return the operation as ended where it was begun for another cluster, or for a mode that allowed to write."""
        if operation.cluster != inputs.snapshot.cluster:
            return ended(operation, EndReason.SUPERSEDED, SUPERSEDED, self.now_s())
        if inputs.snapshot.mode is Mode.OBSERVE and not operation.scope.dry_run:
            return ended(operation, EndReason.OBSERVE, OBSERVING, self.now_s())
        manual, begun_s = operation.cause is OperationCause.PERSON, operation.started_s
        shut = blocked(inputs.snapshot.windows, self.now_s(), manual=manual, begun_s=begun_s)
        if shut is not None and not operation.scope.dry_run and not inputs.pass_request.deleting:
            return ended(operation, EndReason.WINDOW, f"put off: {shut.reason}", self.now_s())
        return None

    def _over(self, operation: Operation) -> None:
        if self.apps.operation(operation.app) != operation:
            self.apps.put_operation(operation)
        self.on_sync(operation)

    def _begun(self, inputs: SyncInput, last: Operation | None) -> tuple[Operation | None, SyncDecision]:
        """Return the operation to go on with: a new one where a person asked or one is due, else the last one."""
        app, request, todo = inputs.app, inputs.pass_request.request, todo_of(inputs)
        fenced = "" if request is not None and request.dry_run else self.fenced(inputs.snapshot.cluster)
        if fenced and (todo.work.any or request is not None):  # what a person asked for is done when it may be
            return last, SyncDecision(sync=False, reason=fenced, again_after_s=FENCED_S)
        due = due_of(inputs, todo, last, self.now_s(), self.pacing, ground_moved=self._ground_moved(inputs, last))
        if not due.sync:
            self._taken_up(app, request)
            return last, replace(due, reason=waiting(inputs, todo.work, due))
        header = Operation(
            id=self.new_id(),
            app=app.name,
            cluster=inputs.snapshot.cluster,
            target=inputs.snapshot.target.hash,
            revisions=inputs.revisions,
            tasks=(),
            started_s=self.now_s(),
            initiated_by=request.initiated_by if request else "",
            cause=_cause(inputs, due),
            scope=OperationScope(
                prune=todo.prune,
                dry_run=request.dry_run if request else False,
                selective=bool(todo.selected),
                pinned=bool(inputs.pass_request.refs),
            ),
            healed=due.healed,
            retries=due.retries,
            failing_since_s=due.failing_since_s,
            asked_s=request.asked_s if request else 0.0,
            options=request.options if request else (),
        )
        work = replace(todo.work, tasks=tuple(task for task in todo.work.tasks if task.key not in due.resting))
        planned = plan(header, work, todo.hooks if due.hooks else (), inputs.snapshot.readings)
        operation = carrying(resumed(planned, last), last_sync_here(inputs, last))
        self.apps.put_operation(operation)
        self._taken_up(app, request)
        return operation, due

    def _taken_up(self, app: Application, request: SyncRequest | None) -> None:
        """Take a request off the store; one that has come since is the next pass's."""
        if request is not None and self.apps.request(app.name) == request:
            self.apps.ask(app.name, None)

    def _refused(self, app: Application, request: SyncRequest, reason: str, last: Operation | None) -> None:
        """Store that a request came to nothing, as an operation that says nothing about any content."""
        now_s = self.now_s()
        header = Operation(
            id=self.new_id(),
            app=app.name,
            cluster=last.cluster if last is not None else ClusterId(""),
            target=TargetHash(""),
            revisions=(),
            tasks=(),
            started_s=now_s,
            initiated_by=request.initiated_by,
        )
        operation = ended(carrying(header, last_sync(last)), EndReason.REFUSED, reason, now_s)
        self._over(operation)
        self._taken_up(app, request)

    async def _steps(self, operation: Operation, inputs: SyncInput) -> tuple[Operation, float | None]:
        """Step until nothing can be asked for without hearing from the cluster first."""
        observed = replace(inputs.seen_by(operation), ignored=(*self.ignored, *inputs.app.ignore_differences))
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
        if self.apps.get(inputs.app.name) is None:
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
                rules = rules_for((*self.ignored, *inputs.app.ignore_differences), command.key)
                admission = self.live.admission(inputs.snapshot.cluster, gvk_of(command.manifest))
                basis = Basis(command.target, rules, admission)
                proven[command.key] = Remembered(basis.target, result.view, basis.rules.hash, basis.admission)
        if proven:
            self.inventory.remember(inputs.app.name, inputs.snapshot.cluster, proven)


def _cause(inputs: SyncInput, due: SyncDecision) -> OperationCause:
    if inputs.pass_request.deleting:
        return OperationCause.DELETION
    if inputs.pass_request.request is not None:
        return OperationCause.PERSON
    return OperationCause.HEAL if due.healing else OperationCause.CONTENT


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

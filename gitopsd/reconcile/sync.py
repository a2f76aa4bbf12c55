"""Stage 5, decision: what a sync would do now, whether it is due, and how it begins, goes on and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitopsd.core.compare.pairing import owns
from gitopsd.core.drift.ledger import worth_healing
from gitopsd.core.sync.decide import (
    SyncDecision,
    SyncSituation,
    carrying,
    deletion_due,
    last_sync,
    request_refused,
    sync_due,
)
from gitopsd.core.sync.deletion import deletion, resumed
from gitopsd.core.sync.failing import refused_at
from gitopsd.core.sync.healing import Drifted, Pacing, mended
from gitopsd.core.sync.plan import PlanScope, is_due, plan, work
from gitopsd.core.sync.step import SUPERSEDED, TERMINATED, SyncLimits, ended, stalled
from gitopsd.core.sync.windows import blocked
from gitopsd.core.target.hooks import Hook
from gitopsd.core.text.lists import first_of
from gitopsd.errors import GitopsError, RevisionNotFound, Terminal
from gitopsd.model.application import Application, Mode
from gitopsd.model.comparison import Absent, Found, SyncStatus, Unreadable
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import (
    EndReason,
    LastSync,
    Operation,
    OperationCause,
    OperationPhase,
    OperationScope,
    PlannedWork,
    SyncRequest,
    TaskState,
    TaskVerb,
)
from gitopsd.ports import Applications, Clock, LiveStates
from gitopsd.reconcile.request import taken_up
from gitopsd.reconcile.steps import OperationSteps, SyncInput

MAX_TOLD = 3  # objects named in one line
WAITS_S = 10.0  # what waits for others to go is looked at again so often
FENCED_S = 15.0  # should it not be told that the cluster may be written to again
CONFIRM_S = 1.0  # after an operation: should nothing have changed, no watch tells of it
OBSERVING = "mode is observe by now, so nothing more is written"


@dataclass(frozen=True, slots=True)
class ProposedSync:
    """What a sync that began now would do, whether or not it is due."""

    work: PlannedWork
    prune: bool
    selected: tuple[ResourceKey, ...]  # the only objects that a person asked for; empty: all
    hooks: Sequence[Hook]


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
    live: LiveStates
    steps: OperationSteps
    now_s: Clock
    new_id: Callable[[], str]
    pacing: Pacing
    limits: SyncLimits
    fenced: Callable[[ClusterId], str]  # why nothing may be written to a cluster now
    on_sync: Callable[[Operation], None]  # told of every operation that is over

    async def advance(self, inputs: SyncInput) -> Outcome:
        """Take the sync that runs a step further, and begin one if one is due."""
        operation, request = (
            self.apps.operation(inputs.pass_request.app.name),
            self.apps.request(inputs.pass_request.app.name),
        )
        if request is not None and taken_up(request, operation):
            self._taken_up(inputs.pass_request.app, request)
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
            operation, again_after_s = await self.steps.take(operation, inputs)
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
        return self.live.refused(cluster, inputs.pass_request.app.name, last.id if last is not None else "", places)

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
        app, request, todo = inputs.pass_request.app, inputs.pass_request.request, todo_of(inputs)
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


def todo_of(inputs: SyncInput) -> ProposedSync:
    app, request, snapshot = inputs.pass_request.app, inputs.pass_request.request, inputs.snapshot
    prune = request.prune if request is not None else app.sync_policy.prune
    selected = request.resources if request is not None else ()
    hooks = () if selected or (request is not None and not request.hooks) else snapshot.target.hooks
    resources = inputs.comparison.resources
    if request is None:
        resources = worth_healing(resources, inputs.fought)
    if inputs.pass_request.deleting:
        work_found = deletion(resources, snapshot.guard, snapshot.readings)
    else:
        scope = PlanScope(
            prune, selected, hooks, _missing_namespace(inputs), snapshot.namespace_differs and not selected
        )
        work_found = work(resources, snapshot.target.hashes, snapshot.guard, scope)
    return ProposedSync(work_found, prune, selected, hooks)


def due_of(  # noqa: PLR0913 - by name
    inputs: SyncInput, todo: ProposedSync, last: Operation | None, now_s: float, pacing: Pacing, *, ground_moved: bool
) -> SyncDecision:
    """Tell whether a sync is due now; `last` is the last operation, which is over.

    With `ground_moved`, what it was refused by may be right by now.
    """
    app, request, mode = inputs.pass_request.app, inputs.pass_request.request, inputs.snapshot.mode
    if inputs.pass_request.deleting:
        return _deletion_due(inputs, todo, last, now_s, pacing)
    if request is not None:
        refusal = request_refused(request, mode, blocked(inputs.snapshot.windows, now_s, manual=True))
        return SyncDecision(sync=not refusal, reason=refusal)
    # Argo CD's writes count only while they would be fought over: what is in sync needs no write.
    target, wrote_s = inputs.snapshot.target.hash, _argocd_wrote_s(inputs)
    shut = blocked(inputs.snapshot.windows, now_s)
    situation = SyncSituation(
        mode, todo.work, target, last_sync_here(inputs, last), shut, wrote_s, ground_moved=ground_moved
    )
    return sync_due(app, situation, now_s, pacing)


def drifted(inputs: SyncInput, operation: Operation) -> Drifted:
    """Return what is out of sync while `operation` runs."""
    app, snapshot = inputs.pass_request.app, inputs.snapshot
    heals = app.sync_policy.automated and app.sync_policy.self_heal and not app.skip_reconcile
    heals &= snapshot.mode is Mode.ENFORCE and (app.adopted or _argocd_wrote_s(inputs) is None)
    resources = inputs.comparison.resources
    if operation.cause is not OperationCause.PERSON:
        resources = worth_healing(resources, inputs.fought)
    off = [
        compared
        for compared in resources
        if compared.status is SyncStatus.OUT_OF_SYNC and compared.pair.target is not None
    ]
    gone = frozenset(compared.pair.key for compared in off if isinstance(compared.pair.live, Absent))
    scope = PlanScope(namespace=_missing_namespace(inputs))
    tasks = tuple(task for task in work(off, snapshot.target.hashes, snapshot.guard, scope).tasks if is_due(task))
    created = frozenset(task.key for task in tasks if task.verb is TaskVerb.CREATE_NAMESPACE)
    return Drifted(snapshot.target.hash, tasks, gone | created, heals=heals)


def last_sync_here(inputs: SyncInput, last: Operation | None) -> LastSync | None:
    """Return what the last sync says of its content; what was tried in another cluster says nothing of this one."""
    return last_sync(last) if last is not None and last.cluster == inputs.snapshot.cluster else None


def waiting(inputs: SyncInput, todo: PlannedWork, due: SyncDecision) -> str:
    """Return why nothing is done about what is out of sync, in one line."""
    if inputs.comparison.status is SyncStatus.SYNCED and not inputs.pass_request.deleting:
        return ""
    waits = [f"{task.key}: {task.message}" for task in todo.tasks if task.wait or task.state is TaskState.SKIPPED]
    if inputs.fought and not todo.any and not waits:
        return "others keep writing what differs: see the conditions"
    if (
        todo.any
        or not waits
        or inputs.snapshot.mode is Mode.OBSERVE
        or not inputs.pass_request.app.sync_policy.automated
    ):
        return due.reason
    return first_of(waits, MAX_TOLD, between="; ")


def _deletion_due(
    inputs: SyncInput, todo: ProposedSync, last: Operation | None, now_s: float, pacing: Pacing
) -> SyncDecision:
    if inputs.snapshot.mode is Mode.OBSERVE:
        reason = "mode is observe, so its objects are not deleted; set mode: enforce, or delete it without them"
        return SyncDecision(sync=False, reason=reason)
    if not todo.work.any and not inputs.left(last):
        waits = any(task.state is TaskState.PENDING for task in todo.work.tasks)
        return SyncDecision(
            sync=False, reason=_unread(inputs) or "it is being deleted", again_after_s=WAITS_S if waits else None
        )
    return deletion_due(last, now_s, pacing)


def _unread(inputs: SyncInput) -> str:
    """Return what keeps an application that is being deleted, for nobody knows whether it is gone; "" if it is."""
    unread = [
        f"{key} cannot be read: {reading.cause}"
        for key, reading in sorted(inputs.snapshot.readings.items())
        if isinstance(reading, Unreadable) and not reading.pending
    ]
    if not unread:
        return ""
    names = first_of(unread, MAX_TOLD, between="; ")
    return f"{names}: let gitopsd read it, or delete the application without its objects"


def _missing_namespace(inputs: SyncInput) -> str:
    """Return the destination's namespace unless it is known to be there: making it would cost every heal a request."""
    namespace = inputs.pass_request.app.destination.namespace
    reading = inputs.snapshot.readings.get(ResourceKey("", "Namespace", "", namespace))
    there = isinstance(reading, Found) and not reading.live.deleting
    return "" if there and not inputs.pass_request.app.sync_policy.namespace_metadata else namespace


def _argocd_wrote_s(inputs: SyncInput) -> float | None:
    """Return when Argo CD last wrote an object of the application; the namespace that it goes to need not be one."""
    wrote = [
        reading.live.argocd_wrote_s
        for key, reading in inputs.snapshot.readings.items()
        if isinstance(reading, Found)
        and reading.live.argocd_wrote_s is not None
        and (key in inputs.snapshot.target.objects or owns(inputs.pass_request.app.name, reading.live))
    ]
    return max(wrote, default=None)


def _cause(inputs: SyncInput, due: SyncDecision) -> OperationCause:
    if inputs.pass_request.deleting:
        return OperationCause.DELETION
    if inputs.pass_request.request is not None:
        return OperationCause.PERSON
    return OperationCause.HEAL if due.healing else OperationCause.CONTENT

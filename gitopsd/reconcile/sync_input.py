"""What a sync would do now, whether it is due, and why nothing is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitopsd.core.compare.extra import fields_to_heal
from gitopsd.core.compare.pairing import owns
from gitopsd.core.drift.ledger import ContestedField, held_of, worth_healing
from gitopsd.core.sync.actions import Observed
from gitopsd.core.sync.decide import (
    SyncDecision,
    SyncSituation,
    deletion_due,
    last_sync,
    request_refused,
    sync_due,
)
from gitopsd.core.sync.deletion import deletion, hooks_to_run
from gitopsd.core.sync.healing import Drifted, Pacing
from gitopsd.core.sync.plan import PlannedWork, PlanScope, is_due, work
from gitopsd.core.sync.windows import blocked
from gitopsd.core.target.hooks import Hook
from gitopsd.core.text.lists import first_of
from gitopsd.model.application import Application, Mode
from gitopsd.model.comparison import Absent, Comparison, Found, SyncStatus, Unreadable
from gitopsd.model.ids import Revision
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import LastSync, Operation, OperationCause, TaskState, TaskVerb
from gitopsd.model.pass_request import PassRequest
from gitopsd.reconcile.snapshot import Snapshot

MAX_TOLD = 3  # objects named in one line
WAITS_S = 10.0  # what waits for others to go is looked at again so often


@dataclass(frozen=True, slots=True)
class SyncInput:
    """What a pass found out of one application, as its sync needs it."""

    pass_request: PassRequest
    snapshot: Snapshot
    revisions: tuple[Revision, ...]
    comparison: Comparison
    fought: tuple[ContestedField, ...] = ()  # fields that gitopsd by itself leaves as they are

    @property
    def app(self) -> Application:
        return self.pass_request.app

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
            namespace=self.app.sync_policy.namespace_metadata,
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
class ProposedSync:
    """What a sync that began now would do, whether or not it is due."""

    work: PlannedWork
    prune: bool
    selected: tuple[ResourceKey, ...]  # the only objects that a person asked for; empty: all
    hooks: Sequence[Hook]


def todo_of(inputs: SyncInput) -> ProposedSync:
    app, request, snapshot = inputs.app, inputs.pass_request.request, inputs.snapshot
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
    app, request, mode = inputs.app, inputs.pass_request.request, inputs.snapshot.mode
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
    app, snapshot = inputs.app, inputs.snapshot
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
    if todo.any or not waits or inputs.snapshot.mode is Mode.OBSERVE or not inputs.app.sync_policy.automated:
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
    namespace = inputs.app.destination.namespace
    reading = inputs.snapshot.readings.get(ResourceKey("", "Namespace", "", namespace))
    there = isinstance(reading, Found) and not reading.live.deleting
    return "" if there and not inputs.app.sync_policy.namespace_metadata else namespace


def _argocd_wrote_s(inputs: SyncInput) -> float | None:
    """Return when Argo CD last wrote an object of the application; the namespace that it goes to need not be one."""
    wrote = [
        reading.live.argocd_wrote_s
        for key, reading in inputs.snapshot.readings.items()
        if isinstance(reading, Found)
        and reading.live.argocd_wrote_s is not None
        and (key in inputs.snapshot.target.objects or owns(inputs.app.name, reading.live))
    ]
    return max(wrote, default=None)

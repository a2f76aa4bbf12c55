"""Comparison → the tasks of a sync."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from gitopsd.core.compare.verdict import is_extraneous
from gitopsd.core.sync.prune import Guard, options_of, prune_refusal
from gitopsd.core.target.hooks import DeletePolicy, Hook, hooks_of, policies_of
from gitopsd.core.target.order import FIRST, kind_rank, task_order
from gitopsd.core.target.sync_options import DEFAULTS, sync_wave, wave_in
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Compared, Found, Reading, SyncStatus, Unreadable, installation_of
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import (
    HookEnd,
    Operation,
    OperationCause,
    PlannedWork,
    SyncPhase,
    Task,
    TaskState,
    TaskVerb,
    WaitReason,
)

CLAIMED = "waits until it is known who else wants it at this commit"
DELETION = frozenset({SyncPhase.PRE_DELETE, SyncPhase.POST_DELETE})
IN_SYNC = frozenset({SyncPhase.PRE_SYNC, SyncPhase.SYNC, SyncPhase.POST_SYNC, SyncPhase.SYNC_FAIL})


@dataclass(frozen=True, slots=True)
class PlanScope:
    """How far a sync goes."""

    prune: bool = False  # whether live objects that Git does not hold go
    selected: tuple[ResourceKey, ...] = ()  # the only objects a person asked for; empty: all
    hooks: tuple[Hook, ...] = ()  # run with it
    namespace: str = ""  # of the destination: made first where CreateNamespace=true and an object is to go there
    namespace_differs: bool = False  # from what managedNamespaceMetadata says


def work(
    resources: Collection[Compared], hashes: Mapping[ResourceKey, TargetHash], guard: Guard, scope: PlanScope
) -> PlannedWork:
    """Return what a sync of the application has to do.

    Args:
        resources: the comparison's.
        hashes: of the target objects.
        guard: options, barrier and the wishes of other applications.
        scope: how far the sync goes.
    """
    chosen = [compared for compared in resources if not scope.selected or compared.pair.key in scope.selected]
    tasks: list[Task] = []
    drift = adopts = pruned = 0
    for compared in chosen:
        if compared.pair.target is not None:
            task = _apply(compared, compared.pair.target, hashes[compared.pair.key], guard)
        else:
            task = _prune(compared, guard, prune=scope.prune)
        if task is None:
            continue
        tasks.append(task)
        if not is_due(task) or is_extraneous(compared):
            continue
        drift += compared.status is SyncStatus.OUT_OF_SYNC
        adopts += compared.adopt
        pruned += task.verb is TaskVerb.PRUNE
    creations = _namespace(tasks, scope, guard, hashes)
    tasks += creations
    drift += bool(creations) and scope.namespace_differs
    return PlannedWork(
        tuple(sorted(tasks, key=task_order)),
        drift,
        adopts,
        sum(isinstance(compared.pair.live, Unreadable) and compared.pair.live.pending for compared in chosen),
        0 if hashes else pruned,
    )


def plan(
    header: Operation,
    todo: PlannedWork,
    hooks: Iterable[Hook] = (),
    readings: Mapping[ResourceKey, Reading] | None = None,
) -> Operation:
    """Return the operation that does `todo`.

    Args:
        header: all of it but the tasks.
        todo: what it applies and prunes.
        hooks: what it runs, where their phases are of such an operation.
        readings: of the application's live objects, among them what operations before it have left of their hooks.
    """
    phases = DELETION if header.cause is OperationCause.DELETION else IN_SYNC
    runs = [_hook(hook, header.id, phase) for hook in hooks for phase in hook.phases if phase in phases]
    keys = {task.key for task in runs}
    # What was left of a hook is seen to by its next run.
    tasks = [task for task in todo.tasks if task.verb is not TaskVerb.HOOK or task.key not in keys]
    planned = keys | {task.key for task in tasks}
    skipped = [
        hook_left(live)
        for live in hooks_of(header.app, live_objects(readings))
        if live.guarded and live.key not in planned
    ]
    return replace(header, tasks=tuple(sorted((*tasks, *runs, *skipped), key=task_order)))


def live_objects(readings: Mapping[ResourceKey, Reading] | None) -> list[LiveObject]:
    return [reading.live for reading in (readings or {}).values() if isinstance(reading, Found)]


def _hook(hook: Hook, operation: str, phase: SyncPhase) -> Task:
    key = hook.name_in(operation, phase)
    return Task(key, TaskVerb.HOOK, phase, hook.wave, hook.rank, target=hook.hash)


def hook_left(live: LiveObject) -> Task:
    """Return the task that lets go of what another operation has left of a hook."""
    deletes = DeletePolicy.BEFORE in policies_of(live.marks)
    return Task(
        live.key,
        TaskVerb.HOOK,
        SyncPhase.PRE_SYNC,
        FIRST,
        kind_rank(live.key),
        uid=live.uid,
        end=HookEnd.LEFT,
        deletes=deletes,
    )


def _apply(compared: Compared, target: Manifest, target_hash: TargetHash, guard: Guard) -> Task | None:
    if compared.status is SyncStatus.SYNCED and not compared.adopt:
        return None
    key = compared.pair.key
    wait, message = None, ""
    if compared.status is SyncStatus.UNKNOWN:
        wait, message = WaitReason.UNKNOWN, compared.reason
    elif others := guard.others.get(key):
        wait, message = WaitReason.CONTESTED, contested(others)
    elif installation := installation_of(compared.pair.live):
        wait, message = WaitReason.CONTESTED, taken(installation)
    elif key in guard.claimed:
        wait, message = WaitReason.CLAIMED, CLAIMED
    # What differs was predicted by a dry run when it was compared.
    checked = bool(compared.differences) or compared.adopt
    return Task(
        key,
        TaskVerb.APPLY,
        wave=sync_wave(target),
        rank=kind_rank(key),
        wait=wait,
        message=message,
        target=target_hash,
        checked=checked,
    )


def contested(others: Iterable[str]) -> str:
    """Return why an object that several applications want is applied by none of them."""
    return f"application {', '.join(sorted(others))} wants it too: remove it from all but one"


def taken(installation: str) -> str:
    """Return why an object of another installation is not applied."""
    return f"it is of the installation {installation} of gitopsd: remove it from Git here or there"


def _prune(compared: Compared, guard: Guard, *, prune: bool) -> Task | None:
    if not isinstance(compared.pair.live, Found):
        return None
    live = compared.pair.live.live
    # Of the application it is not the object that goes last but all of them: `step` waits for that.
    last = options_of(live, DEFAULTS).prune_last
    task = deletion_of(live, last=last)
    if not prune:
        return replace(task, state=TaskState.SKIPPED, message="it requires pruning, which this sync does not do")
    return allowed(task, live, guard)


def allowed(task: Task, live: LiveObject, guard: Guard) -> Task:
    """Return the deletion `task`, put off or SKIPPED where `guard` keeps `live`."""
    # An approval counts from the operation's start on, so it is asked for by starting one.
    refusal = prune_refusal(live, replace(guard, approved_s=math.inf), 0.0)
    if refusal is None:
        return task
    # What waits for others is looked at again in every step; it is not what a sync is started for.
    if refusal.waits:
        return replace(task, wait=WaitReason.KEPT, message=refusal.reason)
    return replace(task, state=TaskState.SKIPPED, message=refusal.reason)


def deletion_of(live: LiveObject, *, last: bool = False) -> Task:
    """Return the task that deletes `live`; with `last` after all others."""
    wave = FIRST if last else wave_in(live.marks) or 0  # prunes go the other way round
    return Task(
        live.key,
        TaskVerb.PRUNE,
        wave=wave,
        rank=kind_rank(live.key),
        uid=live.uid,
        resource_version=live.resource_version,
    )


def is_due(task: Task) -> bool:
    """Tell whether there is reason to begin an operation for `task`."""
    return task.state is TaskState.PENDING and task.wait is None


def _namespace(
    tasks: Iterable[Task], scope: PlanScope, guard: Guard, targets: Collection[ResourceKey]
) -> tuple[Task, ...]:
    """Return the task that makes the namespace, or sets it right, where that is to be and Git does not hold it."""
    key = ResourceKey("", "Namespace", "", scope.namespace)
    users = [task.key for task in tasks if task.verb is TaskVerb.APPLY] + [hook.key for hook in scope.hooks]
    used = scope.namespace and any(user.namespace == scope.namespace for user in users)
    if not (guard.options.create_namespace and (used or scope.namespace_differs)) or key in targets:
        return ()
    return (Task(key, TaskVerb.CREATE_NAMESPACE, SyncPhase.PRE_SYNC, FIRST, kind_rank(key)),)

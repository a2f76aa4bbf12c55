"""Deleting an application with its objects: what goes, and the hooks that are run before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gitopsd.core.sync.plan import DELETION, allowed, deletion_of, hook_left, is_due, live_objects
from gitopsd.core.sync.prune import Guard
from gitopsd.core.target.hooks import Hook, hooks_of
from gitopsd.core.target.order import task_order
from gitopsd.core.target.sync_options import OPERATION_ID
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Compared, Found, Reading
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import Operation, OperationCause, PlannedWork, SyncPhase, Task, TaskState, TaskVerb


def delete_hooks(hooks: Iterable[Hook]) -> tuple[Manifest, ...]:
    """Return the manifests of those of `hooks` that are run when the application is deleted.

    They are stored with the application: the commit that takes its declaration out of Git often takes its files, too.
    """
    return tuple(hook.manifest for hook in hooks if not DELETION.isdisjoint(hook.phases))


def deletion(
    resources: Iterable[Compared], guard: Guard, readings: Mapping[ResourceKey, Reading] | None = None
) -> PlannedWork:
    """Return what it takes to delete the application's live objects, whether or not Git holds them.

    Args:
        resources: the comparison's.
        guard: of the deletion; what it keeps for good is SKIPPED.
        readings: of all live objects, among them those of hooks, which go as well.
    """
    lives = [compared.pair.live.live for compared in resources if isinstance(compared.pair.live, Found)]
    tasks = [allowed(deletion_of(live), live, guard) for live in lives]
    hooks = (live for live in hooks_of(guard.app, live_objects(readings)) if live.guarded or not _is_last(live))
    tasks += [replace(hook_left(live), deletes=True) for live in hooks]
    return PlannedWork(tuple(sorted(tasks, key=task_order)), drift=sum(map(is_due, tasks)))


def hooks_to_run(hooks: Collection[Hook], last: Operation | None) -> bool:
    """Tell whether a hook of the deletion is still to be run, where `last` is the last operation."""
    done = _done(last)
    return any((hook.hash, phase) not in done for hook in hooks for phase in hook.phases if phase in DELETION)


def resumed(planned: Operation, last: Operation | None) -> Operation:
    """Return the deletion `planned` without the hooks that the one before it has run: no hook is run twice."""
    done = _done(last)

    def known(task: Task) -> Task:
        before = done.get((task.target, task.phase)) if task.verb is TaskVerb.HOOK else None
        return before if before is not None else task

    return replace(planned, tasks=tuple(map(known, planned.tasks)))


def _done(last: Operation | None) -> dict[tuple[TargetHash | None, SyncPhase], Task]:
    if last is None or last.cause is not OperationCause.DELETION:
        return {}
    over = (TaskState.DONE, TaskState.SKIPPED)
    return {(task.target, task.phase): task for task in last.tasks if task.phase in DELETION and task.state in over}


def _is_last(live: LiveObject) -> bool:
    """Tell whether `live` was run after all other objects were gone; it stays, unless its policy says otherwise."""
    return dict(live.marks).get(OPERATION_ID, "").endswith(f"/{SyncPhase.POST_DELETE.value}")

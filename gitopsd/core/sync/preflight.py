"""Before the first write of a sync: what the server would refuse of it, by dry runs (nothing is written then)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitopsd.core.sync.actions import Observed, hook_of_task, out_of_place, shared
from gitopsd.core.sync.references import needs_any
from gitopsd.core.target.hooks import run_manifest
from gitopsd.core.target.sync_options import options_of_target
from gitopsd.core.target.target import defines
from gitopsd.model.command import Accepted, Applied, DryRun
from gitopsd.model.comparison import Absent, Found, Unserved
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey
from gitopsd.model.operation import HookEnd, Operation, OperationCause, Task, TaskState, TaskVerb, WaitReason

FORBIDDEN = 403
NAMESPACE = GroupKind("", "Namespace")
MAKES = (TaskVerb.APPLY, TaskVerb.HOOK)


def unchecked(operation: Operation, observed: Observed) -> tuple[tuple[Task, ...], tuple[DryRun, ...]]:
    """Return the tasks, with those FAILED that need no server to be refused, and what the server is to be asked.

    Only before anything has begun. A content that the server has taken before is not asked about: it only heals, and
    one object whose live state stands in the way is no reason to leave the others as they are.
    """
    before = operation.tried
    taken = before is not None and before.succeeded and before.target == operation.target
    if operation.cause is OperationCause.HEAL or taken or any(_begun(task) for task in operation.tasks):
        return operation.tasks, ()
    tasks = tuple(_refused_here(task, observed) for task in operation.tasks)
    return tasks, tuple(_checks(operation, tasks, observed))


def refused_before(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that were refused; none where anything has begun, for then the sync goes its way to its end."""
    if any(_was_sent(task) for task in tasks):
        return []
    return [task for task in tasks if task.state is TaskState.FAILED and not task.checked]


def answered(task: Task, result: Applied, *, dry_run: bool) -> Task:
    """Return `task` with the answer to its dry run.

    What does not say that the manifest is refused is no reason to stop: where the live object is in the way, only that
    object's write fails, and others do not wait for it; the server, a webhook that this very sync mends, or an account
    or role that it makes, may answer otherwise when it comes to the write.
    """
    if isinstance(result, Accepted) or result.retryable or (result.by_live and not dry_run):
        return replace(task, checked=True)
    if result.code == 0 or result.lacks_another:
        return replace(task, checked=True)
    if dry_run and result.code == FORBIDDEN:
        return replace(task, checked=True, message=f"not confirmed: {result.message}")
    words = f"{result.message} ({result.code})" + (f"; {result.remedy}" if result.remedy else "")
    return replace(task, state=TaskState.FAILED, wait=None, message=words)


def _begun(task: Task) -> bool:
    return bool(task.attempts) or task.state not in (TaskState.PENDING, TaskState.SKIPPED)


def _was_sent(task: Task) -> bool:
    """Tell whether something was asked of the cluster for `task` that is no dry run."""
    ended = task.end in (HookEnd.SUCCEEDED, HookEnd.FAILED)
    sent = task.state in (TaskState.ISSUED, TaskState.APPLIED, TaskState.DONE)
    return bool(sent or ended or task.attempts or task.since_s)


def _refused_here(task: Task, observed: Observed) -> Task:
    manifest = observed.objects.get(task.key)
    if task.verb is not TaskVerb.APPLY or task.state is not TaskState.PENDING or manifest is None:
        return task
    options = options_of_target(manifest, observed.guard.options)
    message = shared(task.key, observed.readings.get(task.key), observed.guard, options)
    if not (options.fail_on_shared and message):
        return task
    return replace(task, state=TaskState.FAILED, wait=None, message=message)


def _checks(operation: Operation, tasks: Sequence[Task], observed: Observed) -> Iterator[DryRun]:
    new = {task.key for task in tasks if task.verb in MAKES and not isinstance(observed.readings.get(task.key), Found)}
    new_namespaces = {task.key.name for task in tasks if _is_new_namespace(task.key, observed)}
    defined = defines(observed.objects.values())
    for task in tasks:
        # What waits to be claimed comes a moment later, when the rest of its content is live.
        due = task.state is TaskState.PENDING and task.wait in (None, WaitReason.CLAIMED)
        if task.checked or not due or task.key.namespace in new_namespaces:
            continue
        manifest = _manifest(task, operation, observed)
        reading = observed.readings.get(task.key, Absent())
        if manifest is None:
            continue
        options = options_of_target(manifest, observed.guard.options)
        if out_of_place(task, observed):
            continue
        if isinstance(reading, Unserved) and (options.skip_unserved or task.key.group_kind in defined):
            continue
        if isinstance(reading, Found) and (options.force or options.replace or task.verb is TaskVerb.HOOK):
            continue
        yield DryRun(task.key, manifest, options.validate, needs_any(manifest, new))


def _manifest(task: Task, operation: Operation, observed: Observed) -> Manifest | None:
    if task.verb is TaskVerb.APPLY:
        return observed.objects.get(task.key) if observed.hashes.get(task.key) == task.target else None
    hook = hook_of_task(task, observed, operation) if task.verb is TaskVerb.HOOK else None
    return None if hook is None else run_manifest(hook, observed.guard.app, operation.id, task.phase)


def _is_new_namespace(key: ResourceKey, observed: Observed) -> bool:
    return key.group_kind == NAMESPACE and not isinstance(observed.readings.get(key), Found)

"""What is said of an application whose syncs fail: since when, how often, and when it is tried again."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.core.sync.decide import last_sync, retry_wait_s
from gitopsd.core.sync.healing import Pacing
from gitopsd.core.sync.step import RETRIED_REFUSALS
from gitopsd.core.text.times import rfc3339
from gitopsd.model.application import Application
from gitopsd.model.cluster import RefusedAt
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.manifest import GVK, Manifest, gvk_of, key_of
from gitopsd.model.operation import Operation, OperationCause, OperationPhase, TaskState
from gitopsd.model.status import Condition, Failing


def failure_of(app: Application, compared: Comparison, operation: Operation | None, pacing: Pacing) -> Failing | None:
    """Return since when syncs of what Git holds have failed, where gitopsd syncs by itself; None while they do not.

    Args:
        app: as declared.
        found: of this pass; who is in sync by now, by whatever means, fails no more.
        operation: the running or the last one, in the application's cluster.
        pacing: how fast gitopsd acts by itself.
    """
    if operation is None or operation.cause is OperationCause.DELETION:
        return None
    if not app.sync_policy.automated or compared.status is SyncStatus.SYNCED:
        return None
    if not operation.phase.over:
        since_s = operation.failing_since_s
        return Failing(since_s, operation.retries, None, operation.message, trying=True) if since_s else None
    last = last_sync(operation)
    if last is None or last.succeeded or last.target != compared.target:
        return None
    wait_s = None if last.terminated else retry_wait_s(app.sync_policy.retry, last, pacing)
    next_s = None if wait_s is None else last.ended_s + wait_s
    return Failing(last.failing_since_s, last.retries + 1, next_s, operation.message)


def refused_at(operation: Operation | None, manifests: Iterable[Manifest]) -> tuple[RefusedAt, ...]:
    """Return where the last sync, which is over, was refused; nothing where it was not, or was not refused alone.

    Args:
        operation: the last one, in the application's cluster.
        manifests: of its target and its hooks, which say at what version.
    """
    if operation is None or operation.phase is not OperationPhase.FAILED or not operation.scope.whole:
        return ()
    kinds = {key_of(manifest).group_kind: gvk_of(manifest) for manifest in manifests}
    refusals = set()
    for task in operation.tasks:
        # What was accepted and came to a bad end was not refused.
        if task.state is TaskState.FAILED and task.end is None and not task.since_s:
            gvk = kinds.get(task.key.group_kind, GVK(task.key.group, "", task.key.kind))
            refusals.add(RefusedAt(gvk, task.key.namespace, task.attempts >= RETRIED_REFUSALS))
    return tuple(sorted(refusals))


def sync_error(failing: Failing) -> Condition:
    """Return the condition of an application whose syncs fail."""
    tries = "1 try" if failing.tries == 1 else f"{failing.tries} tries"
    if failing.trying:
        to_come = "it is being tried again"
    elif failing.next_s is None:
        to_come = "it waits for a change, or for a person"
    else:
        to_come = f"it is tried again at {rfc3339(failing.next_s)}"
    return Condition("SyncError", f"failing since {rfc3339(failing.since_s)}, {tries}; {to_come}: {failing.message}")

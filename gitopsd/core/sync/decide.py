"""Is a sync due: by content, not by commit (decisions 7 and 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitopsd.backoff import backoff_s
from gitopsd.core.sync.healing import Pacing, counted, heal_wait_s, resting
from gitopsd.core.sync.plan import is_due
from gitopsd.core.sync.step import RETRIED_REFUSALS
from gitopsd.core.sync.windows import Blocked
from gitopsd.model.application import Application, Mode, Retry
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import (
    EndReason,
    Heal,
    HookEnd,
    LastSync,
    Operation,
    OperationCause,
    OperationPhase,
    PlannedWork,
    SyncPhase,
    SyncRequest,
    Task,
    TaskState,
    TaskVerb,
)

UNANSWERED_MAX_S = 60.0  # between two tries of what has no answer, at most
MOVED_SHARE = 5.0  # what was refused by something that has changed rests a fifth of the time …
MOVED_MAX_S = 30.0  # … and no longer than that
WRITTEN = (TaskState.DONE, TaskState.APPLIED, TaskState.SKIPPED)
PENDING_S = 2.0  # a list under way is looked for again so often, should no event tell that it is in


@dataclass(frozen=True, slots=True)
class SyncDecision:
    """Whether to sync now, why or why not, and as what."""

    sync: bool
    reason: str
    again_after_s: float | None = None  # it may be due by then, though nothing is heard
    healing: bool = False
    healed: tuple[Heal, ...] = ()  # what was healed lately, and is by it
    resting: frozenset[ResourceKey] = frozenset()  # what it leaves alone, for it was healed lately
    retries: int = 0
    failing_since_s: float = 0.0  # Unix time at which the first try in a row failed; 0: the last one did not
    hooks: bool = True  # its hooks are run: what only heals runs none


def last_sync(operation: Operation | None) -> LastSync | None:
    """Return what `operation`, the last one that is over, says; None where no content was ever tried as a whole."""
    if operation is None or not operation.phase.over:
        return None
    ended_s = operation.finished_s or operation.started_s
    if not operation.scope.whole or operation.end in (EndReason.SUPERSEDED, EndReason.REFUSED):
        # It tried nothing to the end, so what it carries of the sync before it still holds.
        return None if operation.tried is None else replace(operation.tried, ended_s=ended_s)
    # The cluster did not answer: that says nothing about the content, so what is left is only put off.
    unanswered = operation.phase is OperationPhase.ERROR
    succeeded = operation.phase is OperationPhase.SUCCEEDED or unanswered
    return LastSync(
        operation.target,
        succeeded,
        ended_s,
        operation.retries,
        operation.healed,
        operation.cause is OperationCause.HEAL,
        put_off=unanswered or any(task.state is TaskState.PENDING for task in operation.tasks),
        terminated=operation.end is EndReason.TERMINATED,
        hooks_left=any(map(_is_left, operation.tasks)),
        hook_failed=any(task.verb is TaskVerb.HOOK and task.end is HookEnd.FAILED for task in operation.tasks),
        failing_since_s=0.0 if succeeded else operation.failing_since_s or ended_s,
        unanswered=not succeeded and any(map(_is_unanswered, operation.tasks)),
        left=() if succeeded else tuple(task.key for task in operation.tasks if task.state not in WRITTEN),
    )


def _is_unanswered(task: Task) -> bool:
    """Tell whether `task` failed of what may pass by itself, such as a webhook that is down."""
    return task.state is TaskState.FAILED and task.attempts >= RETRIED_REFUSALS


def _is_left(task: Task) -> bool:
    """Tell whether `task` is of a hook that belongs to the sync and was not run to a good end."""
    ours = task.verb is TaskVerb.HOOK and task.end is not HookEnd.LEFT and task.phase is not SyncPhase.SYNC_FAIL
    return ours and task.state not in (TaskState.DONE, TaskState.SKIPPED)


def carrying(operation: Operation, last: LastSync | None) -> Operation:
    """Return `operation`, about to start, with what must not be forgotten of the sync before it.

    A dry run, a sync of some objects, or one that is superseded would otherwise make a content look new that has been
    tried.
    """
    if last is None:
        return operation
    return replace(operation, tried=last)


def request_refused(request: SyncRequest, mode: Mode, stopped: Blocked | None = None) -> str:
    """Return why a person's request is not done; "" where it is: then it is due at once, whatever the policy."""
    if mode is Mode.OBSERVE and not request.dry_run:
        return "mode is observe, so nothing is written; ask for a dry run, or set mode: enforce"
    return stopped.reason if stopped is not None and not request.dry_run else ""


@dataclass(frozen=True, slots=True)
class SyncSituation:
    """What decides, beside the declaration, whether a sync by itself is due."""

    mode: Mode  # the strictest of daemon, project and application
    work: PlannedWork
    target: TargetHash
    last: LastSync | None = None
    blocked: Blocked | None = None  # by the project's sync windows
    argocd_wrote_s: float | None = None  # Unix time at which Argo CD last wrote one of the objects
    deleting: bool = False
    ground_moved: bool = False  # what the last sync's refusal may rest on has changed since


def sync_due(app: Application, now: SyncSituation, now_s: float, pacing: Pacing) -> SyncDecision:
    """Tell whether gitopsd may by itself sync `app` at `now_s`.

    A content is tried once, whatever commits carry it: in a monorepo most commits are somebody else's. Once it
    succeeded, trying it again is self-heal: only if allowed, and with a growing rest while drift comes back. What
    failed is tried again, later each time (`retry_wait_s`), unless a person ended it.

    Source: Argo CD, docs/user-guide/auto_sync.md, "Automated Sync Semantics", by content instead of by commit.
    """
    if refusal := _forbidden(app, now):
        return SyncDecision(sync=False, reason=refusal)
    if now.work.pending:
        return SyncDecision(sync=False, reason="kinds are still being listed", again_after_s=PENDING_S)
    if now.blocked is not None:
        return SyncDecision(sync=False, reason=now.blocked.reason, again_after_s=now.blocked.again_after_s)
    return _argocds(app, now, now_s, pacing) or _by_content(app, now, now_s, pacing)


def deletion_due(last: Operation | None, now_s: float, pacing: Pacing) -> SyncDecision:
    """Tell whether to go on now deleting an application of which something is left; `last` is its last operation.

    A deletion that failed is tried again by itself, later each time: nobody can mend it in Git any more.
    """
    if last is None or last.cause is not OperationCause.DELETION or last.phase is OperationPhase.SUCCEEDED:
        return SyncDecision(sync=True, reason="it is being deleted")
    wait_s = heal_wait_s(pacing, last.retries)
    rested_s = now_s - (last.finished_s or last.started_s)
    if 0 <= rested_s < wait_s:
        reason = f"deleting it failed, and is tried again: {last.message}"
        return SyncDecision(sync=False, reason=reason, again_after_s=wait_s - rested_s)
    return SyncDecision(sync=True, reason="it is being deleted", retries=last.retries + 1)


def _by_content(app: Application, now: SyncSituation, now_s: float, pacing: Pacing) -> SyncDecision:
    last = now.last
    if last is None or last.target != now.target:
        return SyncDecision(sync=True, reason="the content is new")
    if last.succeeded or _has_drifted_since(app, now.work, last):
        return _healing(app, now.work, last, now_s, pacing)
    return _retrying(app, now, last, now_s, pacing)


def _has_drifted_since(app: Application, todo: PlannedWork, last: LastSync) -> bool:
    """Tell whether a heal that failed over some objects left others alone that have drifted by now."""
    if not (last.healing and app.sync_policy.self_heal) or last.terminated:
        return False
    unfinished = frozenset(last.left)
    return any(is_due(task) and task.key not in unfinished for task in todo.tasks)


def _forbidden(app: Application, now: SyncSituation) -> str:
    empties = now.work.empties
    reasons = (
        (now.deleting, "the application is being deleted"),
        (now.mode is Mode.OBSERVE, "mode is observe"),
        (app.skip_reconcile, "it is annotated to be left alone"),
        (not app.sync_policy.automated, "automated sync is off"),
        (not (now.work.any or now.work.pending), "there is nothing to do"),
        (
            bool(empties) and not app.sync_policy.allow_empty,
            f"Git holds nothing, so a sync would delete all {empties} objects; set allowEmpty to allow it",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _argocds(app: Application, now: SyncSituation, now_s: float, pacing: Pacing) -> SyncDecision | None:
    """Two writers that both heal would fight for ever: whoever still syncs it with Argo CD has to say so."""
    if app.adopted or now.argocd_wrote_s is None:
        return None
    rest_s = pacing.argocd_quiet_s - (now_s - now.argocd_wrote_s)
    if rest_s <= 0 or rest_s > 2 * pacing.argocd_quiet_s:
        return None  # long over; or a time to come, by a clock that stepped, which would hold for ever
    reason = "Argo CD still writes its objects: stop that, or annotate the application gitopsd.io/adopt=true"
    return SyncDecision(sync=False, reason=reason, again_after_s=min(rest_s, pacing.argocd_quiet_s))


def _healing(app: Application, todo: PlannedWork, last: LastSync, now_s: float, pacing: Pacing) -> SyncDecision:
    heal = app.sync_policy.self_heal
    if not (heal or last.put_off):
        what = "live has drifted" if todo.drift else "another field manager owns some fields"
        return SyncDecision(sync=False, reason=f"{what}, and selfHeal is off")
    rested_s = now_s - last.ended_s
    # A clock that stepped back says nothing about how long it rested.
    if 0 <= rested_s < pacing.heal_wait_s:
        reason = f"it was synced {rested_s:.0f} s ago"
        return SyncDecision(sync=False, reason=reason, again_after_s=pacing.heal_wait_s - rested_s)
    due = [task.key for task in todo.tasks if is_due(task)]
    # What was refused the last time has a pace of its own (`retry_wait_s`), and goes with the rest.
    waits = resting(last.healed, set(due) - set(last.left), now_s, pacing) if heal else {}
    if waits and waits.keys() >= set(due):
        reason = "it drifts again and again, and is healed later each time"
        return SyncDecision(sync=False, reason=reason, again_after_s=min(waits.values()))
    reason = "live has drifted" if todo.drift else "another field manager owns some fields"
    return SyncDecision(
        sync=True,
        reason="objects were put off" if not heal else reason,
        healing=heal,
        healed=counted(last.healed, [key for key in due if key not in waits], now_s, pacing) if heal else last.healed,
        resting=frozenset(waits),
        retries=last.retries if last.failing_since_s else 0,
        failing_since_s=last.failing_since_s,
        hooks=last.hooks_left,
    )


def _retrying(app: Application, now: SyncSituation, last: LastSync, now_s: float, pacing: Pacing) -> SyncDecision:
    if last.terminated:
        return SyncDecision(sync=False, reason="a person ended the last sync of this content")
    if last.healing and not app.sync_policy.self_heal:
        return SyncDecision(sync=False, reason="live has drifted, and selfHeal is off")
    wait_s = retry_wait_s(app.sync_policy.retry, last, pacing)
    if now.ground_moved:
        # At once, but not at each turn of what changes all the time.
        wait_s = min(MOVED_MAX_S, (heal_wait_s(pacing, last.retries) if wait_s is None else wait_s) / MOVED_SHARE)
    if wait_s is None:
        return SyncDecision(
            sync=False, reason="the last sync of this content failed; it waits for a change, or for a person"
        )
    rested_s = now_s - last.ended_s
    if 0 <= rested_s < wait_s:
        return SyncDecision(sync=False, reason=f"retry {last.retries + 1} is to come", again_after_s=wait_s - rested_s)
    return SyncDecision(
        sync=True,
        reason=f"retry {last.retries + 1}",
        healing=last.healing,
        healed=last.healed,
        retries=last.retries + 1,
        failing_since_s=last.failing_since_s,
        hooks=last.hooks_left or not last.healing,
    )


def retry_wait_s(retry: Retry | None, last: LastSync, pacing: Pacing) -> float | None:
    """Return the rest after `last`, which failed, until it is tried again by itself; None: only after a change.

    As often as `retry` says, or Argo CD's default, as that says. What it says is all that there is where the
    application has one; else it goes on ever later, since most of what refuses is mended in the cluster, and nobody
    tells of all of that; of a server or a webhook that is down nobody tells, so it is asked more often. But for a hook
    that was run and failed: it is run for its effect, not to make live equal target, and so no more often than somebody
    has counted on. A heal has no end at all.
    """
    most_s = min(pacing.heal_max_s, UNANSWERED_MAX_S) if last.unanswered else pacing.heal_max_s
    if last.healing:
        return min(most_s, heal_wait_s(pacing, last.retries))
    policy = retry or Retry()
    if policy.limit < 0 or last.retries < policy.limit:
        longest_s = policy.max_duration_s if retry else min(policy.max_duration_s, most_s)
        return _retry_wait_s(policy, last.retries, longest_s)
    if retry is not None or last.hook_failed:
        return None
    return _retry_wait_s(policy, last.retries, most_s)


def _retry_wait_s(retry: Retry, retries: int, longest_s: float) -> float:
    factor = min(max(retry.factor, 1.0), 100.0)  # people's input: a large power of it raises OverflowError
    return backoff_s(retries + 1, first_s=retry.duration_s, longest_s=longest_s, factor=factor)

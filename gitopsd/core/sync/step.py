"""Operation, what was observed and the time → the next Operation and commands (decision 7). Never waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitopsd.backoff import backoff_s
from gitopsd.core.sync.actions import Observed
from gitopsd.core.sync.advance import OVER, Advance, elapsed, failed
from gitopsd.core.sync.preflight import answered, refused_before, unchecked
from gitopsd.core.sync.readiness import LAG_S
from gitopsd.core.text.lists import first_of
from gitopsd.model.command import Accepted, Applied, Command, Refused
from gitopsd.model.ids import Uid
from gitopsd.model.operation import EndReason, HookEnd, Operation, OperationPhase, Task, TaskState, TaskVerb, WaitReason

TERMINATED = "terminated by a person"
SUPERSEDED = "superseded: Git has newer content"
MAX_REFUSALS = 8  # of one task, all retryable; with back-off that is some minutes
RETRIED_REFUSALS = 3  # the same in a sync that is tried again: the rest before the next one is its back-off
MAX_TOLD = 3  # tasks named in an operation's message


@dataclass(frozen=True, slots=True)
class SyncLimits:
    operation_s: float = 3600.0  # a sync that is not over by then fails
    gate_s: float = 1800.0  # a gate that does not open by then fails the sync


@dataclass(frozen=True, slots=True)
class Step:
    operation: Operation  # to be stored before the commands run
    commands: tuple[Command, ...] = ()
    again_after_s: float | None = None  # step again by then, though nothing is heard; None: the operation is over


def step(operation: Operation, observed: Observed, now_s: float, limits: SyncLimits) -> Step:  # noqa: PLR0911 - each way out is one of an operation's
    """Return what comes next in `operation`.

    Tasks that were issued and whose answer is not known are asked for again: every command is idempotent. With
    commands given, run them, `absorb` the results, and step again at once.

    Args:
        operation: as stored.
        seen: target, live state and guard as of this pass.
        now_s: Unix time; may step back.
        limits: how long an operation and a gate may take.
    """
    if operation.phase.over:
        return Step(operation)
    walk = Advance(operation, observed, now_s, limits.gate_s)
    if checked := _checked(operation, observed, now_s):
        return checked
    if stopped := _stopped(operation, observed, now_s):
        return _without_hooks(walk, stopped)
    tasks, issued, waits = walk.run(), walk.issued, walk.waits
    advanced = replace(operation, tasks=tasks)
    if finished := _finished(advanced, issued, waits, now_s):
        return Step(finished)
    if late := _too_late(advanced, waits, now_s, limits):
        return _without_hooks(Advance(operation, observed, now_s, limits.gate_s), late)
    rest_s = operation.not_before_s - now_s
    # A rest longer than any back-off asks for comes of a clock that stepped back.
    if issued and 0 < rest_s <= backoff_s(MAX_REFUSALS):
        resting = replace(advanced, tasks=_as_before(operation.tasks, tasks), message=_refused_so_far(operation.tasks))
        return Step(resting, again_after_s=rest_s)
    message = f"{_objects(issued)} being applied or pruned" if issued else "; ".join(waits[:MAX_TOLD])
    advanced = replace(advanced, message=message)
    return Step(advanced, tuple(issued), 0.0 if issued else _next_look_s(advanced, now_s, limits))


def absorb(operation: Operation, results: Sequence[Applied], now_s: float) -> Operation:
    """Return `operation` with what became of its commands.

    Commands without a result keep their tasks ISSUED, to be asked for again. Retryable refusals put the whole
    operation off by a growing time, and fail their task after `MAX_REFUSALS`, or fewer; one of code 0 (no answer at
    all) says nothing about the content, so only the operation's deadline ends it.
    """
    by_key = {result.key: result for result in results}
    tasks = tuple(
        _answered(task, by_key[task.key], now_s, operation) if task.key in by_key else task for task in operation.tasks
    )
    refusals = [new.attempts for old, new in zip(operation.tasks, tasks, strict=True) if new.attempts > old.attempts]
    rest_s = backoff_s(min(max(refusals), MAX_REFUSALS)) if refusals else 0.0
    return replace(operation, tasks=tasks, not_before_s=now_s + rest_s if refusals else operation.not_before_s)


def stalled(operation: Operation, reason: str, now_s: float, limits: SyncLimits) -> Operation | None:
    """Return `operation` as ended where a person ended it, or it is too late; else None.

    For passes that come to nothing because of `why`: there is nothing to be stepped with, and that says nothing about
    the content.
    """
    if operation.phase is OperationPhase.TERMINATING:
        return ended(operation, EndReason.TERMINATED, TERMINATED, now_s)
    if elapsed(operation.started_s, now_s) < limits.operation_s:
        return None
    message = f"not over after {limits.operation_s:g} s: {reason}; it is tried again"
    return ended(operation, EndReason.UNANSWERED, message, now_s)


def ended(operation: Operation, end: EndReason, message: str, now_s: float) -> Operation:
    """Return `operation` as ended for the reason `end`, whatever its tasks have come to."""
    # What the server accepted is done; what was asked without an answer may be done or not, and is not claimed.
    tasks = tuple(
        replace(task, state=TaskState.DONE, wait=None)
        if task.state is TaskState.APPLIED and task.verb is not TaskVerb.HOOK
        else failed(task, "its end was not seen") if task.state is TaskState.APPLIED
        else replace(task, state=TaskState.PENDING) if task.state is TaskState.ISSUED
        else task
        for task in operation.tasks
    )  # fmt: skip
    return replace(operation, tasks=tasks, phase=end.phase, end=end, message=message, finished_s=now_s)


def _checked(operation: Operation, observed: Observed, now_s: float) -> Step | None:
    """Return the step that asks what the server would refuse, or ends the operation for that; None: go on."""
    superseded = observed.target != operation.target and not operation.scope.pinned
    if operation.phase is OperationPhase.TERMINATING or superseded:
        return None
    tasks, checks = unchecked(operation, observed)
    rechecked = replace(operation, tasks=tasks)
    if checks:
        message = f"{_objects(checks)} tried by dry runs"
        return Step(replace(rechecked, message=message), checks, 0.0)
    if not (refused := refused_before(tasks)):
        return None
    message = f"nothing was written: {_told_of(refused, len(tasks))}"
    return Step(ended(rechecked, EndReason.PREFLIGHT_FAILED, message, now_s))


def _told_of(failures: Sequence[Task], of: int) -> str:
    return f"{len(failures)} of {of} objects failed: {_named(failures)}"


def _objects(commands: Sequence[Command]) -> str:
    return "1 object is" if len(commands) == 1 else f"{len(commands)} objects are"


def _named(tasks: Sequence[Task]) -> str:
    return first_of([f"{task.key}: {task.message}" for task in tasks], MAX_TOLD, between="; ")


def _without_hooks(walk: Advance, stopped: Operation) -> Step:
    """Return the step that ends the operation as `stopped`, once no hook of it runs any more.

    Content that is newer never waits for an old hook, nor a person who ends a sync, but for the watch to show a hook
    that was begun just now: one that cannot be removed at once is left to the next sync.
    """
    operation = walk.operation
    if operation.phase is OperationPhase.TERMINATING and (wait_s := walk.unseen_s()):
        return Step(replace(operation, message="its hooks are removed"), again_after_s=wait_s)
    tasks = walk.removed()
    tried = any(task.end is not None and task.attempts for task in operation.tasks)
    if operation.scope.dry_run or not walk.issued or tried:
        return Step(stopped)
    return Step(replace(operation, tasks=tasks, message="its hooks are removed"), tuple(walk.issued), 0.0)


def _hook_answered(task: Task, result: Applied, now_s: float, most: int) -> Task:
    over = TaskState.FAILED if task.end is HookEnd.FAILED else TaskState.DONE
    match result:
        case Accepted() if task.end is not None:
            return replace(task, state=over, wait=None)
        case Accepted() if task.uid:
            message = "what ran before it is deleted"
            return replace(task, state=TaskState.PENDING, wait=WaitReason.DELETING, message=message)
        case Accepted(resource_version=version):
            return replace(
                task, state=TaskState.APPLIED, wait=None, message="", since_s=now_s, resource_version=version
            )
        case Refused(retryable=True) if task.attempts + 1 < most or (result.code == 0 and task.end is None):
            uid = task.uid if task.end is not None else None
            message = task.message if task.end is not None else _words(result)
            return _again(task, message, uid)
        case Refused() if task.end is not None:
            message = "; ".join(filter(None, (task.message, f"it could not be let go of: {_words(result)}")))
            return replace(task, state=over, wait=None, message=message, attempts=task.attempts + 1)
        case Refused():
            return failed(replace(task, attempts=task.attempts + 1), _words(result))


def _answered(task: Task, result: Applied, now_s: float, operation: Operation) -> Task:
    if task.state is not TaskState.ISSUED:
        tried = task.state is TaskState.PENDING and not task.checked
        return answered(task, result, dry_run=operation.scope.dry_run) if tried else task
    most = RETRIED_REFUSALS if operation.failing_since_s else MAX_REFUSALS
    return (_hook_answered if task.verb is TaskVerb.HOOK else _write_answered)(task, result, now_s, most)


def _write_answered(task: Task, result: Applied, now_s: float, most: int) -> Task:
    match result:
        case Accepted(resource_version=None) if task.verb is TaskVerb.PRUNE:
            return replace(task, state=TaskState.DONE, wait=None, message=result.message)
        case Accepted():
            version = task.resource_version if task.verb is TaskVerb.PRUNE else result.resource_version
            return replace(
                task,
                state=TaskState.APPLIED,
                wait=None,
                message=result.message,
                since_s=now_s,
                resource_version=version,
                view=result.view,
            )
        case Refused(retryable=True) if result.code == 0 or task.attempts + 1 < most:
            return _again(task, _words(result), task.uid)
        case Refused():
            return failed(replace(task, attempts=task.attempts + 1), _words(result))


def _again(task: Task, message: str, uid: Uid | None) -> Task:
    """Return `task` after a refusal that may pass."""
    attempts = task.attempts + 1
    return replace(task, state=TaskState.PENDING, wait=WaitReason.REFUSED, message=message, attempts=attempts, uid=uid)


def _words(refused: Refused) -> str:
    return f"{refused.message} ({refused.code or 'no answer'})" + (f"; {refused.remedy}" if refused.remedy else "")


def _stopped(operation: Operation, observed: Observed, now_s: float) -> Operation | None:
    """Return the operation as ended where it is not to go on, whatever its tasks have come to."""
    if operation.phase is OperationPhase.TERMINATING:
        return ended(operation, EndReason.TERMINATED, TERMINATED, now_s)
    if operation.scope.dry_run:
        return _told(operation, now_s)
    if not operation.scope.pinned and observed.target != operation.target:
        return ended(operation, EndReason.SUPERSEDED, SUPERSEDED, now_s)
    return None


def _finished(operation: Operation, issued: Sequence[Command], waits: Sequence[str], now_s: float) -> Operation | None:
    """Return the operation as ended where a task has failed, or nothing is left to do."""
    if issued or waits:
        return None
    if failures := [task for task in operation.tasks if task.state is TaskState.FAILED]:
        message = _told_of(failures, len(operation.tasks))
        return ended(operation, EndReason.TASK_FAILED, message, now_s)
    return ended(operation, EndReason.COMPLETED, _summary(operation.tasks), now_s)


def _refused_so_far(tasks: Sequence[Task]) -> str:
    refused = [task for task in tasks if task.attempts and task.state is TaskState.PENDING]
    return f"tried again: {_named(refused)}" if refused else ""


def _too_late(operation: Operation, waits: Sequence[str], now_s: float, limits: SyncLimits) -> Operation | None:
    if elapsed(operation.started_s, now_s) < limits.operation_s:
        return None
    if waits:
        reasons = "; ".join(waits[:MAX_TOLD])
        message = f"not over after {limits.operation_s:g} s: {reasons}; see to that, or raise sync.operation_deadline_s"
        return ended(operation, EndReason.TOO_LATE, message, now_s)
    # Nothing was held up by the content: it has not been tried to the end, and is tried again.
    message = f"not over after {limits.operation_s:g} s: the cluster does not answer; it is tried again"
    return ended(operation, EndReason.UNANSWERED, message, now_s)


def _told(operation: Operation, now_s: float) -> Operation:
    tasks = tuple(
        replace(task, state=TaskState.DONE, wait=None, message=task.message or _of_dry_run(task))
        if task.state not in OVER
        else task
        for task in operation.tasks
    )
    return ended(replace(operation, tasks=tasks), EndReason.DRY_RUN, "dry run: nothing was written", now_s)


def _of_dry_run(task: Task) -> str:
    if task.verb is TaskVerb.PRUNE:
        return "dry run: it would be deleted"
    return "dry run" if task.checked else "dry run: not tried, for it hangs on what this very sync makes or deletes"


def _summary(tasks: Sequence[Task]) -> str:
    done = [task for task in tasks if task.state in (TaskState.DONE, TaskState.APPLIED)]
    pruned = sum(task.verb is TaskVerb.PRUNE for task in done)
    put_off = [task for task in tasks if task.state is TaskState.PENDING]
    skipped = sum(task.state is TaskState.SKIPPED for task in tasks)
    parts = [f"{len(done) - pruned} applied", f"{pruned} pruned"]
    parts += [f"{skipped} skipped"] if skipped else []
    parts += [f"{len(put_off)} put off ({put_off[0].key}: {put_off[0].message})"] if put_off else []
    return ", ".join(parts)


def _as_before(old: Sequence[Task], new: Sequence[Task]) -> tuple[Task, ...]:
    """Return `new` with the tasks that were just issued as they were: they rest."""
    before = {task.identity: task for task in old}
    return tuple(before[task.identity] if task.state is TaskState.ISSUED else task for task in new)


def _next_look_s(operation: Operation, now_s: float, limits: SyncLimits) -> float:
    """Return when to look again though nothing is heard: at the next deadline, or when a mirror must have caught up."""
    rest_s = [limits.operation_s - elapsed(operation.started_s, now_s)]
    for task in operation.tasks:
        past_s = elapsed(task.since_s, now_s)
        if task.state is TaskState.APPLIED:
            # A deadline that is over has not failed the task, so its gate is not the one that is shut.
            rest_s += [end_s - past_s for end_s in (LAG_S, limits.gate_s) if past_s < end_s]
        if task.state is TaskState.PENDING and task.wait:
            rest_s.append(LAG_S)
    return max(0.1, min(rest_s))

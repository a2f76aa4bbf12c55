"""One walk over the groups of an operation, up to the first that is not passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from gitopsd.core.sync.actions import AlreadyDone, Done, Issue, Observed, Skip, Wait, asked, hook_of_task
from gitopsd.core.sync.readiness import LAG_S, Failed, Need, Ready, Waiting, end_of, gate_of
from gitopsd.core.target.hooks import DeletePolicy, is_run, run_id
from gitopsd.core.target.order import FIRST, PHASES, SUPPORT, Group, group_of, task_order
from gitopsd.model.command import Command, Release
from gitopsd.model.comparison import Found
from gitopsd.model.operation import HookEnd, Operation, SyncPhase, Task, TaskState, TaskVerb, WaitReason

OVER = (TaskState.DONE, TaskState.SKIPPED, TaskState.FAILED)
ENDS = {HookEnd.SUCCEEDED: DeletePolicy.SUCCEEDED, HookEnd.FAILED: DeletePolicy.FAILED}


@dataclass(slots=True)
class Advance:
    """What comes next in `operation`; `run` once, and read the rest."""

    operation: Operation
    seen: Observed
    now_s: float
    gate_s: float  # a gate that does not open by then fails the sync
    issued: list[Command] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)

    def run(self) -> tuple[Task, ...]:
        """Return the tasks as they are then; where one has failed, what runs already is seen to its end first."""
        rescue = [task for task in self.operation.tasks if task.phase is SyncPhase.SYNC_FAIL]
        done = self._through(task for task in self.operation.tasks if task.phase is not SyncPhase.SYNC_FAIL)
        if any(task.state is TaskState.FAILED for task in done):
            done = self._wound_down(done)
            if not self.issued and not self.waits:
                return (*done, *self._through(rescue))
        elif not self.issued and not self.waits:
            rescue = [_over(task, TaskState.SKIPPED, "the sync did not fail") for task in rescue]
        return (*done, *rescue)

    def removed(self) -> tuple[Task, ...]:
        """Return the tasks as they are when the hooks that run are to go, with the commands for that in `issued`."""
        return tuple(self._removed(task) if _runs(task) else task for task in self.operation.tasks)

    def unseen_s(self) -> float:
        """Return how long the watch has left to show the hooks that were begun last; 0 where it has."""
        unseen = [task for task in self.operation.tasks if _runs(task) and task.end is None and not self._shows(task)]
        return max((0.0, *(LAG_S - elapsed(task.since_s, self.now_s) for task in unseen)))

    def _shows(self, task: Task) -> bool:
        return task.state is not TaskState.APPLIED or isinstance(self.seen.readings.get(task.key), Found)

    def _through(self, tasks: Iterable[Task]) -> list[Task]:
        groups = [(group, list(members)) for group, members in _groups(tasks)]
        done: list[Task] = []
        for index, (group, members) in enumerate(groups):
            following = groups[index + 1][0] if index + 1 < len(groups) else None
            need = _need(group, following, prune_last=self.seen.guard.options.prune_last)
            # What the groups before it have done must have come as far, too: one wave has several groups.
            done = [self._gated(task, need) if task.state is TaskState.APPLIED else task for task in done]
            done += [self._advanced(task, need) for task in members]
            stopped = any(task.state is TaskState.FAILED for task in done)
            if stopped or self.issued or self.waits or _too_early(following, done):
                done += [task for _, later in groups[index + 1 :] for task in later]
                break
        return done

    def _advanced(self, task: Task, need: Need) -> Task:  # noqa: PLR0911 - one line a case
        if task.state in OVER:
            return task
        if task.state is TaskState.APPLIED:
            return self._gated(task, need)
        match asked(task, self.seen, self.operation):
            case Issue(command=command):
                return self._issued(task, command)
            case AlreadyDone():
                begun = replace(task, state=TaskState.APPLIED, wait=None, message="", since_s=self.now_s)
                return self._gated(begun, need)
            case Done(message=message):
                return _over(task, TaskState.DONE, message)
            case Skip(message=message, failed=has_failed):
                return _over(task, TaskState.FAILED if has_failed else TaskState.SKIPPED, message)
            case Wait() as hold:
                return self._held(task, hold)

    def _issued(self, task: Task, command: Command) -> Task:
        self.issued.append(command)
        if task.verb is TaskVerb.HOOK and task.end is None:
            task = replace(task, uid=command.uid if isinstance(command, Release) else None)
        return replace(task, state=TaskState.ISSUED, wait=None, message=task.message if task.end else "")

    def _held(self, task: Task, hold: Wait) -> Task:
        """Wait for what a task waits for, but no longer than so: then it is put off to another sync."""
        if elapsed(self.operation.started_s, self.now_s) < hold.up_to_s:
            self.waits.append(f"{task.key}: {hold.message}")
        return replace(task, state=TaskState.PENDING, wait=hold.reason, message=hold.message)

    def _gated(self, task: Task, need: Need) -> Task:
        if task.verb is TaskVerb.HOOK:
            return self._ended(task, need)
        match gate_of(task, need, self.seen.readings.get(task.key), self.now_s):
            case Ready():
                stays = need in (Need.ACCEPTED, Need.ESTABLISHED, Need.ENDED) and task.verb is not TaskVerb.PRUNE
                return _over(task, TaskState.APPLIED if stays else TaskState.DONE, "")
            case Failed(message=message):
                return failed(task, message)
            case Waiting(message=message) if elapsed(task.since_s, self.now_s) >= self.gate_s:
                return failed(task, self._late(message))
            case Waiting(message=message):
                self.waits.append(f"{task.key}: {message}")
                return replace(task, wait=WaitReason.GATE, message=message)

    def _ended(self, task: Task, need: Need) -> Task:
        match end_of(task, self.seen.readings.get(task.key), run_id(self.operation.id, task.phase), self.now_s):
            case Ready():
                return self._let_go(task, HookEnd.SUCCEEDED, "")
            case Failed(message=message):
                return self._let_go(task, HookEnd.FAILED, message)
            case Waiting(message=message) if elapsed(task.since_s, self.now_s) >= self.gate_s:
                return self._let_go(task, HookEnd.FAILED, self._late(message))
            case Waiting(message=message):
                if need in (Need.HEALTHY, Need.ENDED):
                    self.waits.append(f"{task.key}: {message}")
                return replace(task, wait=WaitReason.GATE, message=message)

    def _let_go(self, task: Task, end: HookEnd, message: str, *, delete: bool = False) -> Task:
        """Have a hook that has ended, and how is stored first, let go of; one that is gone is only told of."""
        hook, reading = hook_of_task(task, self.seen, self.operation), self.seen.readings.get(task.key)
        if not isinstance(reading, Found) or not is_run(reading.live, self.operation.id, task.phase):
            return failed(replace(task, end=end), message)
        # What was run before an application's objects are deleted is one of them.
        deletes = delete or (end is HookEnd.SUCCEEDED and task.phase is SyncPhase.PRE_DELETE)
        deletes |= hook is not None and ENDS[end] in hook.policies
        ended = replace(task, end=end, message=message, uid=reading.live.uid, deletes=deletes)
        return self._issued(ended, Release(task.key, reading.live.uid, deletes))

    def _late(self, message: str) -> str:
        return f"{message}, after {self.gate_s:g} s; see to it, or raise sync.gate_deadline_s"

    def _wound_down(self, tasks: Sequence[Task]) -> list[Task]:
        """Return `tasks` without what would begin only now; hooks that run are waited for."""
        before = {task.identity: task for task in self.operation.tasks}
        tasks_now: list[Task] = []
        for task in tasks:
            begun = task.verb is TaskVerb.HOOK and _runs(before[task.identity])
            tasks_now.append(before[task.identity] if task.state is TaskState.ISSUED and not begun else task)
        running = {task.key: task for task in tasks_now if _runs(task)}
        self.issued = [command for command in self.issued if command.key in running]
        self.waits = [f"{task.key}: {task.message}" for task in running.values() if task.state is not TaskState.ISSUED]
        return tasks_now

    def _removed(self, task: Task) -> Task:
        if task.end is not None and task.uid:
            return self._issued(task, Release(task.key, task.uid, task.deletes))
        return self._let_go(task, HookEnd.FAILED, "it was removed while it ran, for the sync was ended", delete=True)


def failed(task: Task, message: str) -> Task:
    """Return `task` as failed."""
    return _over(task, TaskState.FAILED, message)


def elapsed(since_s: float, now_s: float) -> float:
    return max(0.0, now_s - since_s)


def _over(task: Task, state: TaskState, message: str) -> Task:
    return replace(task, state=state, wait=None, message=message)


def _runs(task: Task) -> bool:
    """Tell whether `task` is of a hook that may run now, or has ended and is not let go of."""
    if task.verb is not TaskVerb.HOOK or task.state in OVER:
        return False
    return task.state is not TaskState.PENDING or task.end is not None


def _groups(tasks: Iterable[Task]) -> Iterator[tuple[Group, Iterator[Task]]]:
    return groupby(sorted(tasks, key=task_order), key=group_of)


def _too_early(following: Group | None, done: Iterable[Task]) -> bool:
    """Tell whether what is run when all objects are gone would come now although some were put off."""
    last = following is not None and following[0] == PHASES[SyncPhase.POST_DELETE]
    return last and any(task.state is TaskState.PENDING for task in done)


def _need(group: Group, following: Group | None, *, prune_last: bool) -> Need:
    """Return how far what was done so far must have come before the group `following` may start."""
    phase, prunes, wave, stage = group
    if following is None:
        return Need.ENDED
    if following[0] != phase:
        return Need.HEALTHY
    if following[1]:
        last = following[2] == -FIRST and wave != -FIRST
        return Need.HEALTHY if last or (prune_last and not prunes) else Need.ENDED
    if following[2] != wave:
        return Need.HEALTHY
    return Need.ESTABLISHED if stage < SUPPORT else Need.ACCEPTED

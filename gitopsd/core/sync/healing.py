"""How soon what has drifted is healed again: object by object, and also while a sync waits for something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gitopsd.backoff import backoff_s
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import (
    Heal,
    Operation,
    OperationCause,
    OperationPhase,
    Task,
    TaskState,
)

HEAL_FACTOR = 3.0
WRITTEN = (TaskState.APPLIED, TaskState.DONE)


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast gitopsd acts by itself."""

    heal_wait_s: float = 5.0  # from the end of one sync to the next of the same content
    heal_max_s: float = 300.0  # self-heal backs off to this
    argocd_quiet_s: float = 3600.0  # what Argo CD wrote since is not synced unless adopted


@dataclass(frozen=True, slots=True)
class Drifted:
    """What a pass found to be out of sync although it was written, or was in sync before."""

    target: TargetHash  # of the whole content
    tasks: tuple[Task, ...] = ()  # that would set it right
    gone: frozenset[ResourceKey] = frozenset()  # of these, what is not there at all
    heals: bool = False  # gitopsd may heal by itself


def heal_wait_s(pacing: Pacing, heals: int) -> float:
    """Return the rest before a heal, where `heals` of the same object went before it."""
    return backoff_s(heals + 1, first_s=pacing.heal_wait_s, longest_s=pacing.heal_max_s, factor=HEAL_FACTOR)


def resting(
    healed: Iterable[Heal], keys: Iterable[ResourceKey], now_s: float, pacing: Pacing
) -> dict[ResourceKey, float]:
    """Return which of `keys` are not healed yet, for they were lately, and for how many seconds more.

    It is the object that rests: of many that are deleted one after the other each is healed for the first time.
    """
    heals = {heal.key: heal for heal in healed if _counts(heal, now_s, pacing)}
    waits = {
        key: heal_wait_s(pacing, heals[key].times) - (now_s - heals[key].at_s) for key in sorted(keys) if key in heals
    }
    return {key: wait_s for key, wait_s in waits.items() if wait_s > 0}


def counted(healed: Iterable[Heal], keys: Collection[ResourceKey], now_s: float, pacing: Pacing) -> tuple[Heal, ...]:
    """Return `healed` with one heal more of each of `keys`; what was calm since is forgotten."""
    heals = {heal.key: heal for heal in healed if _counts(heal, now_s, pacing)}
    new = {key: Heal(key, heals[key].times + 1 if key in heals else 1, now_s) for key in keys}
    return tuple(value for _, value in sorted((heals | new).items()))


def mended(operation: Operation, drifted: Drifted, now_s: float, pacing: Pacing) -> tuple[Operation, float | None]:
    """Return a running sync that also sets right what has drifted meanwhile, and when there is more of that to do.

    A sync may wait for long: for a wave to become healthy, for a finalizer of what it prunes. What it has written and
    is gone is written again, since what it waits for would else never come. What has only changed, or is not of its
    tasks, is healed where gitopsd may do so by itself.
    """
    if not _may_mend(operation, drifted):
        return operation, None
    written = {(task.key, task.verb): task for task in operation.tasks}
    due = [task for task in drifted.tasks if _is_to_mend(written.get((task.key, task.verb)), task, drifted)]
    waits = resting(operation.healed, [task.key for task in due], now_s, pacing)
    ready = {(task.key, task.verb): task for task in due if task.key not in waits}
    again_s = min(waits.values(), default=None)
    if not ready:
        return operation, again_s
    tasks = [
        _anew(task) if (task.key, task.verb) in ready and task.state in WRITTEN else task for task in operation.tasks
    ]
    tasks += [_anew(task) for identity, task in ready.items() if identity not in written]
    healed = counted(operation.healed, [key for key, _ in ready], now_s, pacing)
    return replace(operation, tasks=tuple(tasks), healed=healed), again_s


def _may_mend(operation: Operation, drifted: Drifted) -> bool:
    if operation.phase is not OperationPhase.RUNNING or operation.cause is OperationCause.DELETION:
        return False
    if not operation.scope.whole or drifted.target != operation.target:
        return False
    # One that has failed is being wound up, and begins nothing any more.
    return not any(task.state is TaskState.FAILED for task in operation.tasks)


def _is_to_mend(before: Task | None, task: Task, drifted: Drifted) -> bool:
    if before is None:
        return drifted.heals
    return before.state in WRITTEN and (drifted.heals or task.key in drifted.gone)


def _anew(task: Task) -> Task:
    """Return `task` as one that is to be asked for; its content was taken before, so no dry run tries it."""
    return replace(task, state=TaskState.PENDING, wait=None, message="", attempts=0, checked=True)


def _counts(heal: Heal, now_s: float, pacing: Pacing) -> bool:
    # A time to come is of a clock that stepped back, which says nothing about how long it rested.
    return 0 <= now_s - heal.at_s <= pacing.heal_max_s + pacing.heal_wait_s

"""Whether what a task did has come about, so that what comes after it may start."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gitopsd.core.target.sync_options import OPERATION_ID
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Absent, Found, Reading, Unreadable, Unserved
from gitopsd.model.health import HealthStatus
from gitopsd.model.manifest import GroupKind
from gitopsd.model.operation import Task, TaskVerb

# A mirror that has not shown our write after this long shows something newer: another writer was faster.
LAG_S = 10.0
NAMESPACE = GroupKind("", "Namespace")
WAITS_FOR = {  # finalizers of Kubernetes' own
    "foregroundDeletion": "what it owns goes first",
    "customresourcecleanup.apiextensions.k8s.io": "the objects of its kind go first; see to their finalizers",
}


class Need(enum.Enum):
    """How far a task must have come before the next group starts."""

    ACCEPTED = "accepted"  # the server has taken it
    ESTABLISHED = "established"  # namespaces Active, definitions served
    HEALTHY = "healthy"
    ENDED = "ended"  # hooks have ended; of all else that the server has taken it


@dataclass(frozen=True, slots=True)
class Ready:
    """The gate is passed."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet."""

    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not open by itself."""

    message: str


Gate = Ready | Waiting | Failed


def gate_of(task: Task, need: Need, reading: Reading | None, now_s: float) -> Gate:
    """Return whether the accepted `task` has come as far as `need`.

    Args:
        task: of state APPLIED.
        need: of what comes next.
        reading: of its object; None where nobody looked, or where nothing tracked is there.
        now_s: Unix time.
    """
    if task.verb is TaskVerb.PRUNE:
        return _gone(task, reading)
    # Nobody need watch a namespace that was only created: the server takes objects into it at once.
    if need in (Need.ACCEPTED, Need.ENDED) or (task.verb is TaskVerb.CREATE_NAMESPACE and reading is None):
        return Ready()
    return _come(task, reading.live, need, now_s) if isinstance(reading, Found) else Waiting(_unseen(reading))


def end_of(task: Task, reading: Reading | None, run: str, now_s: float) -> Gate:
    """Return whether the hook that `task` has begun ended well (`Ready`), failed (`Failed`), or runs.

    Args:
        task: of the hook, accepted.
        reading: of its object.
        run: the mark by which the object is known to be this run's.
        now_s: Unix time.
    """
    match reading:
        case Unreadable(cause=cause):
            return Waiting(f"it cannot be read: {cause}")
        case Found(live=live) if dict(live.marks).get(OPERATION_ID) == run:
            gate = _healthy(live)
            if isinstance(gate, Waiting) and live.deleting:
                return Failed("somebody, or its time to live, deleted it before it had ended")
            return gate
        case _ if now_s - task.since_s < LAG_S:
            return Waiting("the watch has not shown it yet")
        case _:
            return Failed("it is gone, and its end was not seen")


def _come(task: Task, live: LiveObject, need: Need, now_s: float) -> Gate:
    if not _caught_up(task, live, now_s):
        return Waiting("the watch has not shown the change yet")
    if not live.established:
        return Waiting("it is not established yet")
    return _healthy(live) if need is Need.HEALTHY else Ready()


def _gone(task: Task, reading: Reading | None) -> Gate:
    match reading:
        case None | Absent() | Unserved():
            return Ready()
        case Found(live=live) if live.uid != task.uid:
            return Ready()
        case Unreadable(cause=cause):
            return Waiting(f"it cannot be read: {cause}")
        case Found(live=live):
            return Waiting(f"it is still being deleted{held_by(live)}")


def held_by(live: LiveObject) -> str:
    """Return what keeps an object that is being deleted, and what to do, as the end of a sentence; "" where nothing."""
    if live.key.group_kind == NAMESPACE:
        return ": what is in it goes first; see its conditions for what stays"
    finalizers = [
        WAITS_FOR.get(name, f"its finalizer {name} holds it; see to who is to remove that") for name in live.finalizers
    ]
    return f": {'; '.join(finalizers)}" if finalizers else ""


def _unseen(reading: Reading | None) -> str:
    return f"it cannot be read: {reading.cause}" if isinstance(reading, Unreadable) else "it is not there yet"


def _caught_up(task: Task, live: LiveObject, now_s: float) -> bool:
    """Tell whether the mirror shows the object as we wrote it, and so its health as of that write.

    A resourceVersion can only be tested for equality, and a controller's status update may follow ours at once: so an
    equal owned view will do, and in the end time.
    """
    if live.resource_version == task.resource_version:
        return True
    return (task.view is not None and live.view == task.view) or now_s - task.since_s >= LAG_S


def _healthy(live: LiveObject) -> Gate:
    if live.health is None or live.health.status is HealthStatus.HEALTHY:
        return Ready()
    message = f"it is {live.health.status.value}" + (f": {live.health.message}" if live.health.message else "")
    return Failed(message) if live.health.status is HealthStatus.DEGRADED else Waiting(message)

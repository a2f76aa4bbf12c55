"""What a cluster says of an object that failed: whom to ask about, and what is kept of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitopsd.core.objects.mask import is_secret, without_values
from gitopsd.core.tree.owners import Child, tree
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Found, Reading
from gitopsd.model.health import HealthStatus
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GVK, Manifest, ResourceKey
from gitopsd.model.operation import HookEnd, Operation, OperationPhase, Task, TaskState, TaskVerb, WaitReason
from gitopsd.words import without_credentials

MOST_TASKS = 5  # of one operation are asked about
MOST_LINES = 40  # of one task
MOST_CHARS = 300  # of one line
MOST_RESULTS = 200  # of one sync, in the history
MOST_PODS, MOST_CONTAINERS, MOST_EVENTS = 2, 2, 5
POD = GVK("", "v1", "Pod")


def failing(
    before: Operation, after: Operation, readings: Mapping[ResourceKey, Reading]
) -> tuple[tuple[Task, LiveObject], ...]:
    """Return the tasks of `after` that have just failed although the server took them, with their live objects."""
    if before.phase is OperationPhase.TERMINATING:
        return ()
    old = {task.identity: task for task in before.tasks}
    failures: list[tuple[Task, LiveObject]] = []
    for task in after.tasks:
        reading = readings.get(task.key)
        if isinstance(reading, Found) and _has_failed(old[task.identity], task, after.phase):
            failures.append((task, reading.live))
    return tuple(failures[:MOST_TASKS])


def with_evidence(
    operation: Operation, evidence: Sequence[tuple[Task, Sequence[str]]], manifests: Iterable[Manifest]
) -> Operation:
    """Return `operation` with what was told of its tasks, bounded; values of Secrets among `manifests` are masked."""
    secrets = [manifest for manifest in manifests if is_secret(manifest)] if evidence else []
    lines = {task.identity: tuple(_shown(line, secrets) for line in texts[:MOST_LINES]) for task, texts in evidence}
    tasks = tuple(replace(task, evidence=lines.get(task.identity, task.evidence)) for task in operation.tasks)
    return replace(operation, tasks=tasks)


def most_telling(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks that the history keeps, in their order; of many, those that are like all others are left out."""
    ranked = sorted(range(len(tasks)), key=lambda index: (_rank(tasks[index]), index))
    return tuple(tasks[index] for index in sorted(ranked[:MOST_RESULTS]))


def pods_of(gvk: GVK, live: LiveObject, children: Callable[[Uid], Iterable[Child]]) -> tuple[LiveObject, ...]:
    """Return the Pods that tell most of why `live`, or what it owns, is not well: itself where it is one."""
    pods = [node.live for node in tree([(gvk, live, live.health)], children) if node.gvk == POD]
    return tuple(sorted(pods, key=_wellness)[:MOST_PODS])


def containers_of(pod: Manifest) -> tuple[tuple[str, bool], ...]:
    """Return the containers of a Pod whose logs tell why it is not well, and whether the log of the run before does."""
    status = pod.get("status") or {}
    states = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ill = [(str(state.get("name")), "waiting" in _state(state, "state")) for state in states if _is_ill(state)]
    names = [str(container.get("name")) for container in (pod.get("spec") or {}).get("containers") or ()]
    return tuple(ill or [(name, False) for name in names])[:MOST_CONTAINERS]


def event_lines(about: str, events: Iterable[Manifest]) -> tuple[str, ...]:
    """Return what events say, the latest last, warnings before all else where there are many."""
    ordered = sorted(events, key=lambda event: (event.get("type") == "Warning", _when(event)))[-MOST_EVENTS:]
    return tuple(_event_line(about, event) for event in sorted(ordered, key=_when))


def _has_failed(old: Task, new: Task, phase: OperationPhase) -> bool:
    if new.verb is TaskVerb.HOOK:
        return new.end is HookEnd.FAILED and old.end is None
    if new.verb is TaskVerb.PRUNE or old.state is not TaskState.APPLIED:
        return False
    # One whose gate was shut when time was up has not failed by itself.
    return new.state is TaskState.FAILED or (phase is OperationPhase.FAILED and old.wait is WaitReason.GATE)


def _shown(line: str, secrets: Sequence[Manifest]) -> str:
    text = without_credentials(" ".join(line.split()))
    for secret in secrets:
        text = without_values(text, secret)
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + " …"


def _rank(task: Task) -> int:
    if task.state is TaskState.FAILED:
        return 0
    return 1 if task.verb is not TaskVerb.APPLY or task.state is not TaskState.DONE else 2


def _wellness(pod: LiveObject) -> tuple[int, ResourceKey]:
    order = (HealthStatus.DEGRADED, HealthStatus.PROGRESSING)
    status = pod.health.status if pod.health is not None else HealthStatus.HEALTHY
    return order.index(status) if status in order else len(order), pod.key


def _state(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = status.get(name)
    return value if isinstance(value, dict) else {}


def _is_ill(status: Mapping[str, Any]) -> bool:
    ended = _state(_state(status, "state"), "terminated")
    before = _state(_state(status, "lastState"), "terminated")
    return bool(ended.get("exitCode")) or ("waiting" in _state(status, "state") and bool(before))


def _when(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _event_line(about: str, event: Manifest) -> str:
    count = event.get("count")
    times = f" ({count} times)" if isinstance(count, int) and count > 1 else ""
    return f"event of {about}: {event.get('reason')}: {event.get('message')}{times}"

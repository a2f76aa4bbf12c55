"""A sync as it is stored between two steps; JSON both ways."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.model.ids import AppName, ClusterId, ResourceVersion, Revision, TargetHash, Uid, ViewHash
from gitopsd.model.manifest import ResourceKey


class OperationPhase(enum.Enum):
    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"

    @property
    def over(self) -> bool:
        return self not in (OperationPhase.RUNNING, OperationPhase.TERMINATING)


class SyncPhase(enum.Enum):
    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"
    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class Verb(enum.Enum):
    APPLY = "apply"
    PRUNE = "prune"
    CREATE_NAMESPACE = "create-namespace"
    HOOK = "hook"  # run it, see its end, let go of it


class HookEnd(enum.Enum):
    """How a hook ended; what is left to do then is to let go of its object."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    LEFT = "Left"  # of another operation, which did not see its end


class TaskState(enum.Enum):
    PENDING = "Pending"  # not asked for yet
    ISSUED = "Issued"  # the intent is stored; the answer may be lost, so asking again is right
    APPLIED = "Applied"  # the server accepted; its gate (established, healthy, gone) may still be shut
    DONE = "Done"
    FAILED = "Failed"
    SKIPPED = "Skipped"  # PruneSkipped: not allowed, or no longer needed


@dataclass(frozen=True, slots=True)
class Task:
    """One object's part of an Operation, in the order of `(phase, wave, rank, key)`."""

    key: ResourceKey
    verb: Verb
    phase: SyncPhase = SyncPhase.SYNC
    wave: int = 0
    rank: int = 0  # of its kind; Namespaces and CRDs first, prunes reversed
    state: TaskState = TaskState.PENDING
    message: str = ""
    uid: Uid | None = None  # prune: what was compared; hook: of the object that is let go of
    resource_version: ResourceVersion | None = None  # prune: what was compared; apply: what the server answered
    target: TargetHash | None = None  # apply: the content it is for
    attempts: int = 0  # refusals so far
    since_s: float = 0.0  # Unix time at which the server accepted it: gates are timed from here
    view: ViewHash | None = None  # apply: owned view that the server answered; tells when the mirror has caught up
    end: HookEnd | None = None  # hook
    checked: bool = False  # a dry run has shown, or could not show, that the server takes it
    deletes: bool = False  # hook: its object is deleted when it is let go of
    evidence: tuple[str, ...] = ()  # of one that failed: events and last log lines, bounded, values of Secrets masked


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    app: AppName
    cluster: ClusterId
    target: TargetHash  # of all target objects: the content this operation makes live
    revisions: tuple[Revision, ...]  # one per source
    tasks: tuple[Task, ...]
    phase: OperationPhase = OperationPhase.RUNNING
    message: str = ""
    started_s: float = 0.0  # Unix time
    finished_s: float | None = None
    initiated_by: str = ""  # a user's name; "" when automated
    automated: bool = False
    healing: bool = False  # caused by drift, not by new content
    prune: bool = False
    dry_run: bool = False
    retries: int = 0
    not_before_s: float = 0.0  # no step before this Unix time (back-off)
    heals: int = 0  # self-heals of this content in a row, this one included
    selective: bool = False  # of some objects only, so the content as a whole has not been tried
    tried: TargetHash | None = None  # what the last sync that tried a content to its end tried …
    tried_ok: bool = False  # … and whether that succeeded
    pinned: bool = False  # a person named the revision: newer content does not take over
    deleting: bool = False  # the application goes with its objects
    options: tuple[tuple[str, str], ...] = ()  # sync options of this operation, over the application's
    asked_s: float = 0.0  # of the request that it does, by which that is known to have been taken up; 0: of none


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What a person asked for; it becomes an Operation at the application's next pass."""

    revisions: tuple[str, ...] = ()  # empty: the epoch's
    prune: bool = False
    dry_run: bool = False
    resources: tuple[ResourceKey, ...] = ()  # empty: all
    initiated_by: str = ""
    asked_s: float = 0.0
    hooks: bool = True  # whether its hooks are run
    options: tuple[tuple[str, str], ...] = ()  # sync options for this once, over the application's


def operation_to_json(operation: Operation) -> dict[str, Any]:
    """Return `operation` as JSON values; enums by their value, keys as `group/kind:ns/name`."""
    return {
        **{name: getattr(operation, name) for name in _PLAIN},
        "revisions": list(operation.revisions),
        "options": [list(option) for option in operation.options],
        "phase": operation.phase.value,
        "tasks": [task_to_json(task) for task in operation.tasks],
    }


def operation_from_json(value: Mapping[str, Any]) -> Operation:
    """Return the operation that `operation_to_json` wrote."""
    return Operation(
        **{name: value[name] for name in _PLAIN if name in value},
        revisions=tuple(Revision(revision) for revision in value["revisions"]),
        options=tuple((name, text) for name, text in value.get("options", ())),
        phase=OperationPhase(value["phase"]),
        tasks=tuple(task_from_json(task) for task in value["tasks"]),
    )


_PLAIN = (
    "id",
    "app",
    "cluster",
    "target",
    "message",
    "started_s",
    "finished_s",
    "initiated_by",
    "automated",
    "healing",
    "prune",
    "dry_run",
    "retries",
    "not_before_s",
    "pinned",
    "deleting",
    "asked_s",
    "heals",
    "selective",
    "tried",
    "tried_ok",
)


def task_to_json(task: Task) -> dict[str, Any]:
    return {
        "key": [task.key.group, task.key.kind, task.key.namespace, task.key.name],
        "verb": task.verb.value,
        "phase": task.phase.value,
        "wave": task.wave,
        "rank": task.rank,
        "state": task.state.value,
        "message": task.message,
        "uid": task.uid,
        "resource_version": task.resource_version,
        "target": task.target,
        "attempts": task.attempts,
        "since_s": task.since_s,
        "view": task.view,
        "end": task.end.value if task.end else None,
        "deletes": task.deletes,
        "checked": task.checked,
        "evidence": list(task.evidence),
    }


def task_from_json(value: Mapping[str, Any]) -> Task:
    return Task(
        key=ResourceKey(*value["key"]),
        verb=Verb(value["verb"]),
        phase=SyncPhase(value["phase"]),
        wave=value["wave"],
        rank=value["rank"],
        state=TaskState(value["state"]),
        message=value["message"],
        uid=value["uid"],
        resource_version=value["resource_version"],
        target=value["target"],
        attempts=value["attempts"],
        since_s=value.get("since_s", 0.0),
        view=value.get("view"),
        end=HookEnd(value["end"]) if value.get("end") else None,
        deletes=value.get("deletes", False),
        checked=value.get("checked", False),
        evidence=tuple(value.get("evidence", ())),
    )

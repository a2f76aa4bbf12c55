"""A sync as it is stored between two steps; JSON both ways."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields
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


class EndReason(enum.Enum):
    """Why an operation ended: what follows from its end hangs on this, never on its words."""

    COMPLETED = "Completed"  # to the end, though some tasks may have been put off
    DRY_RUN = "DryRun"  # nothing was to be written
    PREFLIGHT_FAILED = "PreflightFailed"  # the server would have refused something, so nothing was written
    TASK_FAILED = "TaskFailed"
    TOO_LATE = "TooLate"  # something that the content waits for did not come about in time
    TERMINATED = "Terminated"  # by a person
    SUPERSEDED = "Superseded"  # Git has newer content, or the application goes to another cluster
    UNANSWERED = "Unanswered"  # the cluster, or what the content is made of, did not answer in time
    WINDOW = "Window"  # put off by a sync window
    OBSERVE = "Observe"  # the mode does not let it write any more
    REVISION_GONE = "RevisionGone"  # Git does not hold the revision any more that a person named
    REFUSED = "Refused"  # what a person asked for could not begin

    @property
    def phase(self) -> OperationPhase:
        """The phase of an operation that ended so; `ERROR` where that says nothing of its content."""
        match self:
            case EndReason.COMPLETED | EndReason.DRY_RUN:
                return OperationPhase.SUCCEEDED
            case (
                EndReason.PREFLIGHT_FAILED
                | EndReason.TASK_FAILED
                | EndReason.TOO_LATE
                | EndReason.TERMINATED
                | EndReason.SUPERSEDED
            ):
                return OperationPhase.FAILED
            case (
                EndReason.UNANSWERED
                | EndReason.WINDOW
                | EndReason.OBSERVE
                | EndReason.REVISION_GONE
                | EndReason.REFUSED
            ):
                return OperationPhase.ERROR


class OperationCause(enum.Enum):
    """What an operation was begun for."""

    PERSON = "Person"  # somebody asked for it
    CONTENT = "Content"  # new content in Git, or what was put off or failed of it before
    HEAL = "Heal"  # live has drifted from content that was applied
    DELETION = "Deletion"  # the application goes with its objects


@dataclass(frozen=True, slots=True)
class OperationScope:
    """How far an operation goes."""

    prune: bool = False  # live objects that Git does not hold go, too
    dry_run: bool = False  # nothing is written
    selective: bool = False  # of some objects only, so the content as a whole is not tried
    pinned: bool = False  # to a revision that a person named: newer content does not take over

    @property
    def whole(self) -> bool:
        """Whether it tries the content as a whole."""
        return not (self.dry_run or self.selective)


EVERYTHING = OperationScope()


class SyncPhase(enum.Enum):
    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"
    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class TaskVerb(enum.Enum):
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


class WaitReason(enum.Enum):
    """Why a task is put off (PENDING), or why what it did has not come about yet (APPLIED)."""

    CLAIMED = "Claimed"  # it is not known yet who else wants the object at this commit
    CONTESTED = "Contested"  # another application, or another installation, wants it or has it
    UNKNOWN = "Unknown"  # how the live object is cannot be told now
    UNSERVED = "Unserved"  # its definition is applied, but its kind is not served yet
    DELETING = "Deleting"  # what is in its place is still being deleted
    KEPT = "Kept"  # its object may not be deleted yet: others may want it, or nobody approved it
    REFUSED = "Refused"  # the server refused it in a way that may pass; it is tried again
    GATE = "Gate"  # accepted, but not established, healthy, ended or gone yet


@dataclass(frozen=True, slots=True)
class Task:
    """One object's part of an Operation, in the order of `(phase, wave, rank, key)`."""

    key: ResourceKey
    verb: TaskVerb
    phase: SyncPhase = SyncPhase.SYNC
    wave: int = 0
    rank: int = 0  # of its kind; Namespaces and CRDs first, prunes reversed
    state: TaskState = TaskState.PENDING
    wait: WaitReason | None = None  # None: nothing holds it up
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

    @property
    def identity(self) -> tuple[object, ...]:
        """Return what tells it from all others of its operation: a hook may be run in several phases."""
        return self.key, self.verb, self.phase


@dataclass(frozen=True, slots=True)
class Heal:
    """An object that was set right after it had drifted."""

    key: ResourceKey
    times: int  # in a row, without a calm time between them
    at_s: float  # Unix time of the last one


@dataclass(frozen=True, slots=True)
class LastSync:
    """What the last sync of the whole application says about its content."""

    target: TargetHash
    succeeded: bool
    ended_s: float  # Unix time: it is stored, and compared after a restart
    retries: int = 0  # of this content, after failures
    healed: tuple[Heal, ...] = ()  # what was healed lately, sorted by key
    healing: bool = False  # caused by drift
    put_off: bool = False  # some tasks had to wait for something, and are still to be done
    terminated: bool = False
    hooks_left: bool = False  # some that belong to it have not been run to their end
    unanswered: bool = False  # it failed of what may pass by itself, such as a webhook that is down
    hook_failed: bool = False  # one was run, and came to a bad end
    failing_since_s: float = 0.0  # Unix time at which the first try in a row failed; 0: the last one did not
    left: tuple[ResourceKey, ...] = ()  # what it was to write, and did not


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    app: AppName
    cluster: ClusterId
    target: TargetHash  # of all target objects: the content this operation makes live
    revisions: tuple[Revision, ...]  # one per source
    tasks: tuple[Task, ...]
    phase: OperationPhase = OperationPhase.RUNNING
    end: EndReason | None = None  # None: it is not over
    message: str = ""
    started_s: float = 0.0  # Unix time
    finished_s: float | None = None
    initiated_by: str = ""  # a user's name; "" when automated
    cause: OperationCause = OperationCause.PERSON
    scope: OperationScope = EVERYTHING
    retries: int = 0
    not_before_s: float = 0.0  # no step before this Unix time (back-off)
    healed: tuple[Heal, ...] = ()  # what was healed lately, by this one too; sorted by key
    tried: LastSync | None = None  # the sync before it that tried a content to its end
    failing_since_s: float = 0.0  # Unix time at which the first try in a row of this content failed; 0: none has
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
        "end": operation.end.value if operation.end else None,
        "cause": operation.cause.value,
        "scope": asdict(operation.scope),
        "healed": _heals_to_json(operation.healed),
        "tried": _last_sync_to_json(operation.tried) if operation.tried else None,
        "tasks": [task_to_json(task) for task in operation.tasks],
    }


def operation_from_json(value: Mapping[str, Any]) -> Operation:
    """Return the operation that `operation_to_json` wrote."""
    return Operation(
        **{name: value[name] for name in _PLAIN if name in value},
        revisions=tuple(Revision(revision) for revision in value["revisions"]),
        options=tuple((name, text) for name, text in value.get("options", ())),
        phase=OperationPhase(value["phase"]),
        end=EndReason(value["end"]) if value["end"] else None,
        cause=OperationCause(value["cause"]),
        scope=OperationScope(**value["scope"]),
        tried=_last_sync_from_json(value["tried"]) if value["tried"] else None,
        healed=_heals_from_json(value),
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
    "retries",
    "not_before_s",
    "asked_s",
    "failing_since_s",
)


def _last_sync_to_json(last: LastSync) -> dict[str, Any]:
    unwritten = [list(astuple(key)) for key in last.left]
    return {**asdict(last), "left": unwritten, "healed": _heals_to_json(last.healed)}


def _last_sync_from_json(value: Mapping[str, Any]) -> LastSync:
    unwritten = tuple(ResourceKey(*key) for key in value.get("left", ()))
    values = {field.name: value[field.name] for field in fields(LastSync) if field.name in value}
    # When it ended is told by who carries it.
    return LastSync(**{"ended_s": 0.0, **values, "left": unwritten, "healed": _heals_from_json(value)})


def _heals_to_json(healed: Iterable[Heal]) -> list[Any]:
    return [[list(astuple(heal.key)), heal.times, heal.at_s] for heal in healed]


def _heals_from_json(value: Mapping[str, Any]) -> tuple[Heal, ...]:
    return tuple(Heal(ResourceKey(*key), times, at_s) for key, times, at_s in value.get("healed", ()))


def task_to_json(task: Task) -> dict[str, Any]:
    return {
        "key": [task.key.group, task.key.kind, task.key.namespace, task.key.name],
        "verb": task.verb.value,
        "phase": task.phase.value,
        "wave": task.wave,
        "rank": task.rank,
        "state": task.state.value,
        "wait": task.wait.value if task.wait else None,
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
        verb=TaskVerb(value["verb"]),
        phase=SyncPhase(value["phase"]),
        wave=value["wave"],
        rank=value["rank"],
        state=TaskState(value["state"]),
        wait=WaitReason(value["wait"]) if value.get("wait") else None,
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


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What a sync would do now."""

    tasks: tuple[Task, ...] = ()  # in order; those that wait are put off, SKIPPED: not allowed
    drift: int = 0  # tasks, not put off, of objects that are OutOfSync and count
    adopts: int = 0  # tasks of objects that are in sync by value and not yet ours
    pending: int = 0  # objects whose lists are under way
    empties: int = 0  # live objects that a sync would prune although the target holds nothing at all

    @property
    def any(self) -> bool:
        return bool(self.drift or self.adopts)

"""Operations of stores up to version 4, in which what held up a task and how an operation ended was told in words only.

Read once, when such a store is migrated; nothing else reads words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from gitopsd.model.operation import (
    EndReason,
    OperationCause,
    OperationPhase,
    TaskState,
    TaskVerb,
    WaitReason,
)

Json = dict[str, Any]

FLAGS = ("automated", "healing", "deleting", "prune", "dry_run", "selective", "pinned", "tried_ok")
ENDED_BY_WORDS = {
    "terminated by a person": EndReason.TERMINATED,
    "superseded: Git has newer content": EndReason.SUPERSEDED,
    "mode is observe by now, so nothing more is written": EndReason.OBSERVE,
}
ENDED_BY_BEGINNING = {
    "put off: ": EndReason.WINDOW,
    "nothing was written: ": EndReason.PREFLIGHT_FAILED,
    "not over after ": EndReason.TOO_LATE,
}
GONE = ": its revision is gone from Git"
CLAIMED = "waits until it is known who else wants it at this commit"

PUT_OFF = {
    TaskVerb.APPLY: WaitReason.UNKNOWN,
    TaskVerb.PRUNE: WaitReason.KEPT,
    TaskVerb.CREATE_NAMESPACE: WaitReason.DELETING,
    TaskVerb.HOOK: WaitReason.DELETING,
}


def give_types(connection: sqlite3.Connection) -> None:
    """Write every operation of the store anew, with types for what was told in words."""
    rows = connection.execute("SELECT app, body FROM operations").fetchall()
    typed = [(orjson.dumps(operation_of(orjson.loads(body))), app) for app, body in rows]
    connection.executemany("UPDATE operations SET body = ? WHERE app = ?", typed)


def operation_of(old: Mapping[str, Any]) -> Json:
    """Return a stored operation as `operation_to_json` writes it today."""
    values = {name: value for name, value in old.items() if name not in FLAGS}
    tried = old.get("tried")
    flags = {name: bool(old.get(name)) for name in FLAGS}
    end = _end(old, flags)
    return {
        **values,
        "end": end.value if end is not None else None,
        "cause": _cause(flags).value,
        "scope": {
            "prune": flags["prune"],
            "dry_run": flags["dry_run"],
            # That a request was refused was stored as a sync of some objects only.
            "selective": flags["selective"] and end is not EndReason.REFUSED,
            "pinned": flags["pinned"],
        },
        "tried": {"target": tried, "succeeded": flags["tried_ok"]} if tried is not None else None,
        "tasks": [_task(task) for task in old["tasks"]],
    }


def _cause(flags: Mapping[str, bool]) -> OperationCause:
    if flags["deleting"]:
        return OperationCause.DELETION
    if not flags["automated"]:
        return OperationCause.PERSON
    return OperationCause.HEAL if flags["healing"] else OperationCause.CONTENT


def _end(old: Mapping[str, Any], flags: Mapping[str, bool]) -> EndReason | None:
    phase = OperationPhase(old["phase"])
    if not phase.over:
        return None
    if phase is OperationPhase.SUCCEEDED:
        return EndReason.DRY_RUN if flags["dry_run"] else EndReason.COMPLETED
    if flags["selective"] and not old["target"]:
        return EndReason.REFUSED
    end = _told(old["message"])
    if end is not None and end.phase is phase:
        return end
    return EndReason.TASK_FAILED if phase is OperationPhase.FAILED else EndReason.UNANSWERED


def _told(words: str) -> EndReason | None:
    if words.endswith(GONE):
        return EndReason.REVISION_GONE
    beginnings = (end for beginning, end in ENDED_BY_BEGINNING.items() if words.startswith(beginning))
    return ENDED_BY_WORDS.get(words) or next(beginnings, None)


def _task(old: Mapping[str, Any]) -> Json:
    wait = _wait(old)
    return {**old, "wait": wait.value if wait is not None else None}


def _wait(old: Mapping[str, Any]) -> WaitReason | None:
    if not old["message"]:
        return None
    state = TaskState(old["state"])
    if state is not TaskState.PENDING:
        return WaitReason.GATE if state is TaskState.APPLIED else None
    if old["attempts"]:
        return WaitReason.REFUSED
    return WaitReason.CLAIMED if old["message"] == CLAIMED else PUT_OFF[TaskVerb(old["verb"])]

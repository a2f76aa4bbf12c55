"""Operations, requests and history of applications."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gitopsd.core.sync.diagnostics import most_telling
from gitopsd.model.application import Application
from gitopsd.model.ids import AppName, Revision
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import (
    EndReason,
    Operation,
    SyncRequest,
    Task,
    operation_from_json,
    operation_to_json,
    task_from_json,
    task_to_json,
)
from gitopsd.model.status import HistoryEntry, newest
from gitopsd.store.database import Database


class OperationsPart:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._operations: dict[AppName, Operation | bytes] = {}  # bytes: as stored, until somebody looks
        self._requests: dict[AppName, SyncRequest] = {}
        self._history: dict[AppName, tuple[HistoryEntry, ...]] = {}  # of those that somebody looked at

    def load(self) -> None:
        for row in self._database.rows("SELECT app, body FROM operations"):
            self._operations[row[0]] = row[1]
        for row in self._database.rows("SELECT app, body FROM requests"):
            self._requests[row[0]] = _request_from_json(orjson.loads(row[1]))

    def operation(self, name: AppName) -> Operation | None:
        stored = self._operations.get(name)
        if isinstance(stored, bytes):
            stored = self._operations[name] = operation_from_json(orjson.loads(stored))
        return stored

    def request(self, name: AppName) -> SyncRequest | None:
        return self._requests.get(name)

    def ask(self, name: AppName, request: SyncRequest | None) -> None:
        if request is None and name not in self._requests:
            return
        with self._database.write(durable=request is not None) as connection:
            if request is None:
                connection.execute("DELETE FROM requests WHERE app = ?", (name,))
            else:
                body = orjson.dumps(_request_to_json(request))
                connection.execute("INSERT OR REPLACE INTO requests VALUES (?, ?)", (name, body))
        if request is None:
            del self._requests[name]
        else:
            self._requests[name] = request

    def put(self, app: Application, operation: Operation) -> None:
        before = self.operation(app.name)
        begun = before is None or before.id != operation.id
        over = operation.phase.over and (begun or not (before and before.phase.over))
        entries = self.history(app.name)
        if over and not operation.scope.dry_run:
            entries = _with_entry(app, operation, entries)
        # What nobody asked for is found out again by the next pass; only what is to be read later must not be lost.
        durable = over or (begun and operation.initiated_by != "")
        body = orjson.dumps(operation_to_json(operation))
        with self._database.write(durable=durable) as connection:
            connection.execute("INSERT OR REPLACE INTO operations VALUES (?, ?, ?)", (app.name, operation.id, body))
            _put_history(connection, operation, self._history.get(app.name, ()), entries)
        self._operations[app.name] = operation
        self._history[app.name] = entries

    def history(self, name: AppName) -> tuple[HistoryEntry, ...]:
        if name not in self._history:
            rows = self._database.rows("SELECT id, body FROM history WHERE app = ? ORDER BY id", name)
            self._history[name] = tuple(_entry_from_json(row[0], orjson.loads(row[1])) for row in rows)
        return self._history[name]

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        rows = self._database.rows("SELECT body FROM results WHERE app = ? AND id = ?", name, history_id)
        return [task_from_json(task) for row in rows for task in orjson.loads(row[0])]

    def clear(self, connection: sqlite3.Connection, app: AppName) -> None:
        for table in ("operations", "history", "results", "requests"):
            connection.execute(f"DELETE FROM {table} WHERE app = ?", (app,))  # noqa: S608 - constants

    def forget(self, app: AppName) -> None:
        """Forget in memory what `clear` removed."""
        self._operations.pop(app, None)
        self._history.pop(app, None)
        self._requests.pop(app, None)


def _with_entry(app: Application, operation: Operation, entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    entry = HistoryEntry(
        id=entries[-1].id + 1 if entries else 1,
        revisions=operation.revisions,
        started_s=operation.started_s,
        finished_s=operation.started_s if operation.finished_s is None else operation.finished_s,
        initiated_by=operation.initiated_by,
        phase=operation.phase.value,
        message=operation.message,
        target=operation.target,
        sources=tuple(dict(source.options) for source in app.sources),
        end=operation.end,
    )
    return newest((*entries, entry), app.history_limit)


def _put_history(
    connection: sqlite3.Connection, operation: Operation, old: Sequence[HistoryEntry], new: Sequence[HistoryEntry]
) -> None:
    app = operation.app
    for entry in new:
        if entry not in old:
            body = orjson.dumps(_entry_to_json(entry))
            connection.execute("INSERT INTO history VALUES (?, ?, ?, ?)", (app, entry.id, operation.id, body))
            results = orjson.dumps([task_to_json(task) for task in most_telling(operation.tasks)])
            connection.execute("INSERT INTO results VALUES (?, ?, ?)", (app, entry.id, results))
    ids = {entry.id for entry in new}
    for entry in old:
        if entry.id not in ids:
            for table in ("history", "results"):
                connection.execute(f"DELETE FROM {table} WHERE app = ? AND id = ?", (app, entry.id))  # noqa: S608 - constants


def _entry_to_json(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "revisions": list(entry.revisions),
        "started_s": entry.started_s,
        "finished_s": entry.finished_s,
        "initiated_by": entry.initiated_by,
        "phase": entry.phase,
        "message": entry.message,
        "target": entry.target,
        "sources": list(entry.sources),
        "end": entry.end.value if entry.end else None,
    }


def _entry_from_json(number: int, value: Mapping[str, Any]) -> HistoryEntry:
    revisions = tuple(Revision(revision) for revision in value["revisions"])
    end = EndReason(value["end"]) if value.get("end") else None
    values = {**value, "id": number, "revisions": revisions, "sources": tuple(value["sources"]), "end": end}
    return HistoryEntry(**values)


def _request_to_json(request: SyncRequest) -> dict[str, Any]:
    return {
        "revisions": list(request.revisions),
        "prune": request.prune,
        "dry_run": request.dry_run,
        "resources": [[key.group, key.kind, key.namespace, key.name] for key in request.resources],
        "initiated_by": request.initiated_by,
        "asked_s": request.asked_s,
        "hooks": request.hooks,
        "options": [list(option) for option in request.options],
    }


def _request_from_json(value: Mapping[str, Any]) -> SyncRequest:
    resources = tuple(ResourceKey(*key) for key in value["resources"])
    options = tuple((name, text) for name, text in value.get("options", ()))
    values = {**value, "revisions": tuple(value["revisions"]), "resources": resources, "options": options}
    return SyncRequest(**values)

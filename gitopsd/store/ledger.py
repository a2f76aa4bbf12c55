"""The drift ledger: a database of its own, written by a thread; entries are added and ended, never changed else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import structlog

from gitopsd.errors import GitopsError
from gitopsd.model.comparison import Writer
from gitopsd.model.drift import Drift, DriftEnd, DriftQuery, WriterClass
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.ports import Clock
from gitopsd.store.database import failures

NAME = "drift.db"
MOST_WAITING = 10_000  # entries that are to be written; a disk that is full must not fill the memory as well
AGAIN_S = 5.0  # between two tries to write
BUSY_S = 5.0  # for a reader that is in the way
MOST_SHOWN = 1000  # of one query

log = structlog.get_logger()

TABLE = """CREATE TABLE IF NOT EXISTS drift (
    id INTEGER PRIMARY KEY, app TEXT NOT NULL, cluster TEXT NOT NULL,
    api_group TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    path TEXT NOT NULL, old BLOB NOT NULL, new BLOB NOT NULL, target TEXT NOT NULL, began_s REAL NOT NULL,
    class TEXT NOT NULL, writer TEXT NOT NULL, writers BLOB NOT NULL,
    ended_s REAL, end TEXT, operation TEXT NOT NULL)"""
INDEXES = (
    "CREATE INDEX IF NOT EXISTS drift_app ON drift (app, id)",
    "CREATE INDEX IF NOT EXISTS drift_open ON drift (id) WHERE ended_s IS NULL",
)
COLUMNS = (
    "id, app, cluster, api_group, kind, namespace, name, path, old, new, target, began_s, class, writers, ended_s, end,"
    " operation"
)
PUT = f"""INSERT INTO drift ({COLUMNS}, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET ended_s = excluded.ended_s, end = excluded.end, operation = excluded.operation
    WHERE drift.ended_s IS NULL"""  # noqa: S608 - constants


class Ledger:
    """Implements `ports.DriftLedger`. Nothing is opened, and no thread runs, before the first entry."""

    def __init__(self, directory: Path, clock: Clock, *, max_entries: int, max_age_s: float) -> None:
        self.name = "drift ledger"
        self.path = directory / NAME
        self.dropped = 0  # entries that could not be written
        self._clock = clock
        self._max_entries, self._max_age_s = max_entries, max_age_s
        self._waiting: list[Drift] = []
        self._woken = asyncio.Event()
        self._writing = asyncio.Lock()
        self._last_id = 0

    def recent(self, since_s: float) -> Sequence[Drift]:
        """Return the entries that are open, and those that ended at the Unix time `since_s` or later, oldest first.

        To be called once, at the start; it reads the disk. A ledger that cannot be read is moved aside: it is a record,
        and keeps nothing from its work.
        """
        if not self.path.exists():
            return ()
        try:
            return self._recent(since_s)
        except (GitopsError, sqlite3.Error, ValueError, KeyError) as err:
            aside = self.path.with_suffix(".damaged")
            log.warning("drift.unreadable", error=str(err), moved_to=str(aside))
            self.path.replace(aside)
            return ()

    def _recent(self, since_s: float) -> Sequence[Drift]:
        with failures(self.path), closing(_opened(self.path)) as connection:
            (self._last_id,) = connection.execute("SELECT coalesce(max(id), 0) FROM drift").fetchone()
            query = f"SELECT {COLUMNS} FROM drift WHERE ended_s IS NULL OR ended_s >= ? ORDER BY id"  # noqa: S608 - as PUT
            rows = connection.execute(query, (since_s,))
            return [_entry(row) for row in rows]

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def append(self, entries: Iterable[Drift]) -> None:
        """Take entries, new ones and ends of old ones; they are written soon."""
        self._waiting += entries
        if len(self._waiting) > MOST_WAITING:
            self.dropped += len(self._waiting) - MOST_WAITING
            del self._waiting[:-MOST_WAITING]
        self._woken.set()

    async def query(self, query: DriftQuery) -> Sequence[Drift]:
        """Return the entries that are meant, the newest first, at most `wanted.limit` of them."""
        await self.flush()
        return await asyncio.to_thread(self._query, query)

    async def entry(self, number: int) -> Drift | None:
        await self.flush()
        rows = await asyncio.to_thread(self._rows, "id = ?", [number], 1)
        return rows[0] if rows else None

    async def run(self) -> None:
        """Write what comes; sleeps while nothing does. What is left when it is cancelled is written first."""
        try:
            while True:
                await self._woken.wait()
                if not await self.flush():
                    await asyncio.sleep(AGAIN_S)
        finally:
            self._write_the_rest()

    async def flush(self) -> bool:
        """Write what waits; False where that failed: it goes on waiting."""
        async with self._writing:
            entries = self._taken()
            try:
                if entries:
                    await asyncio.to_thread(self._write, entries)
            except GitopsError as err:
                log.warning("drift.not_written", entries=len(entries), error=str(err))
                self._waiting[:0] = entries
                self._woken.set()
                return False
            return True

    def _write_the_rest(self) -> None:
        entries = self._taken()
        try:
            if entries:
                self._write(entries)
        except GitopsError as err:
            log.warning("drift.lost", entries=len(entries), error=str(err))

    def _taken(self) -> list[Drift]:
        entries, self._waiting = self._waiting, []
        self._woken.clear()
        return entries

    def _write(self, entries: Sequence[Drift]) -> None:
        with failures(self.path), closing(_opened(self.path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(PUT, map(_row, entries))
            newest = "SELECT id FROM drift ORDER BY id DESC LIMIT 1 OFFSET ?"
            connection.execute(
                f"DELETE FROM drift WHERE id <= ({newest}) OR ended_s < ?",  # noqa: S608 - constants
                (self._max_entries, self._clock() - self._max_age_s),
            )
            connection.execute("COMMIT")

    def _query(self, query: DriftQuery) -> Sequence[Drift]:
        terms = [
            ("app = ?", query.app or None),
            ("cluster = ?", query.cluster or None),
            ("writer GLOB ?", query.writer or None),
            ("class = ?", query.by.value if query.by else None),
            ("coalesce(ended_s, 9e99) >= ?", query.since_s),
            ("began_s < ?", query.until_s),
            ("id < ?", query.before),
        ]
        filters = [(term, value) for term, value in terms if value is not None]
        where = " AND ".join([*(term for term, _ in filters), *(["ended_s IS NULL"] if query.open else []), "1"])
        return self._rows(where, [value for _, value in filters], max(1, min(query.limit, MOST_SHOWN)))

    def _rows(self, where: str, values: Sequence[Any], limit: int) -> Sequence[Drift]:
        if not self.path.exists():
            return ()
        query = f"SELECT {COLUMNS} FROM drift WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - terms of this file
        with failures(self.path), closing(_opened(self.path)) as connection:
            return [_entry(row) for row in connection.execute(query, (*values, limit))]


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for statement in (TABLE, *INDEXES):
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _row(entry: Drift) -> tuple[Any, ...]:
    key = entry.key
    writers = [
        [writer.manager, writer.operation, writer.at_s, writer.subresource, writer.certain] for writer in entry.writers
    ]
    return (
        entry.id, entry.app, entry.cluster, key.group, key.kind, key.namespace, key.name, entry.path,
        orjson.dumps(entry.old), orjson.dumps(entry.new), entry.target, entry.began_s, entry.by.value,
        orjson.dumps(writers), entry.ended_s, entry.end.value if entry.end else None, entry.operation, entry.writer,
    )  # fmt: skip


def _entry(row: Sequence[Any]) -> Drift:
    number, app, cluster, group, kind, namespace, name, path, old, new, target, began_s, by, writers, *over = row
    ended_s, end, operation = over
    return Drift(
        number,
        AppName(app),
        ClusterId(cluster),
        ResourceKey(group, kind, namespace, name),
        path,
        orjson.loads(old),
        orjson.loads(new),
        TargetHash(target),
        began_s,
        WriterClass(by),
        tuple(Writer(*writer) for writer in orjson.loads(writers)),
        ended_s,
        DriftEnd(end) if end else None,
        operation,
    )

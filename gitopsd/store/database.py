"""The SQLite file: opened by one daemon, checked, migrated; every write is a transaction."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from gitopsd.errors import GitopsError, StoreFailed, StoreUnusable
from gitopsd.store.schema import migrate

NAME = "gitopsd.db"
LOCK_WAIT_S = 0.1  # nobody else writes; whoever does by hand must not stop the event loop
LONGEST_LOG_PAGES = 16384  # 64 MiB: then a write copies it over itself, were `checkpoint` never called
# SQLite's answers that mean the file itself is damaged, rather than the disk full or the directory read-only.
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One connection, used by the event loop's thread alone.

    WAL, and `synchronous` by who asked: what a person asked for survives a loss of power (FULL); what gitopsd can
    work out again from Git and the clusters survives a kill at any moment, but not always a loss of power (NORMAL).
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._lock = _locked(directory)
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.close()
            raise

    def _open(self) -> sqlite3.Connection:
        with failures(self.path):
            connection = sqlite3.connect(self.path, timeout=LOCK_WAIT_S, isolation_level=None)
            try:
                self.path.chmod(0o600)  # declarations may hold what is nobody else's business
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_LOG_PAGES}")
                connection.execute("PRAGMA journal_size_limit = 67108864")
                _check(connection, self.path)
                migrate(connection, self.path)
            except BaseException:
                connection.close()
                raise
        return connection

    def rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with failures(self.path):
            yield from self._connection.execute(query, values)

    @contextmanager
    def write(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Run the block's statements as one transaction: all of them are there after it, or none and it raises.

        Args:
            durable: on return it has reached the disk, and with it every write before it.

        Raises:
            StoreFailed: the disk is full, or the directory cannot be written.
            StoreUnusable: the file is damaged.
        """
        with failures(self.path):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self._connection.close()
        self._lock.close()


def checkpoint(path: Path) -> None:
    """Copy the write-ahead log into the database; any thread's, since it opens a connection of its own."""
    with failures(path), closing(sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except GitopsError:
        raise
    except sqlite3.DatabaseError as err:
        if getattr(err, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
            raise _damaged(path, str(err)) from err
        if isinstance(err, sqlite3.OperationalError):
            remedy = "free disk space, or mend the directory's rights"
            raise StoreFailed(f"the store {path} cannot be used: {err}", remedy=remedy) from err
        raise
    except OSError as err:
        remedy = "make data_dir a directory that gitopsd may write"
        raise StoreFailed(f"the store {path} cannot be used: {err.strerror}", remedy=remedy) from err


def _locked(directory: Path) -> IO[bytes]:
    """Return the open lock file; it is let go however the process ends."""
    with failures(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / f"{NAME}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StoreUnusable(
                f"another gitopsd uses {directory}", remedy="stop it, or give this one a data_dir of its own"
            ) from None
    return lock


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise _damaged(path, answer)


def _damaged(path: Path, reason: str) -> StoreUnusable:
    return StoreUnusable(
        f"the store {path} is damaged: {' '.join(reason.split())}",
        remedy=(
            "stop gitopsd and put back a copy of it; without one, move it away: declarations are read anew, while "
            "history, audit and what was left to prune are lost"
        ),
    )

"""The tables, and the steps by which an older database becomes one of today."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson

from gitopsd.core.objects.mask import is_secret
from gitopsd.errors import StoreUnusable
from gitopsd.store.worded_operations import give_types


def _without_secrets(database: sqlite3.Connection) -> None:
    """Take Secrets out of what an older gitopsd wrote."""
    for app, body in database.execute("SELECT app, body FROM delete_hooks").fetchall():
        rest = [hook for hook in orjson.loads(body) if not is_secret(hook)]
        database.execute("UPDATE delete_hooks SET body = ? WHERE app = ?", (orjson.dumps(rest), app))


Step = tuple[str | Callable[[sqlite3.Connection], None], ...]  # statements, and what no statement says

# Step n makes version n + 1 of version n. A step is never changed once it was released: another one is added.
STEPS: tuple[Step, ...] = (
    (
        # Every declaration of every source; of one name the lowest `place` holds.
        """CREATE TABLE declarations (
            kind TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, place INTEGER NOT NULL,
            file TEXT NOT NULL, line INTEGER NOT NULL, manifest BLOB NOT NULL,
            PRIMARY KEY (kind, name, source)) WITHOUT ROWID""",
        # Applications whose objects are being deleted, as they were declared last.
        """CREATE TABLE deleting (
            app TEXT PRIMARY KEY, since_s REAL NOT NULL, source TEXT NOT NULL,
            file TEXT NOT NULL, line INTEGER NOT NULL, manifest BLOB NOT NULL) WITHOUT ROWID""",
        # The inventory: objects of an application's last target, and what was once shown in sync.
        """CREATE TABLE objects (
            app TEXT NOT NULL, cluster TEXT NOT NULL,
            api_group TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
            wanted INTEGER NOT NULL, target TEXT, view TEXT, rules TEXT, admission TEXT,
            PRIMARY KEY (app, cluster, api_group, kind, namespace, name)) WITHOUT ROWID""",
        "CREATE TABLE operations (app TEXT PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID",
        """CREATE TABLE history (
            app TEXT NOT NULL, id INTEGER NOT NULL, operation TEXT NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (app, id)) WITHOUT ROWID""",
        "CREATE TABLE requests (app TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
            app TEXT NOT NULL, detail TEXT NOT NULL)""",
    ),
    # The hooks that are run when an application is deleted: Git may hold them no more by then.
    ("CREATE TABLE delete_hooks (app TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",),
    # What became of each object in a sync of the history; read when somebody opens it.
    (
        """CREATE TABLE results (
            app TEXT NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (app, id)) WITHOUT ROWID""",
    ),
    # When a person last approved deletions that ask for it.
    ("CREATE TABLE approvals (app TEXT PRIMARY KEY, at_s REAL NOT NULL) WITHOUT ROWID",),
    # Why operations ended and what holds up their tasks are types.
    (give_types,),
    # Secrets among the hooks of a deletion are sealed, and go where they are not: the next pass brings them again.
    ("ALTER TABLE delete_hooks ADD COLUMN sealed BLOB", _without_secrets),
    # What accounts leave behind; failed logins are kept, so that a restart does not begin to count anew.
    (
        "CREATE TABLE passwords (account TEXT PRIMARY KEY, hash TEXT NOT NULL, changed_s REAL NOT NULL) WITHOUT ROWID",
        """CREATE TABLE tokens (
            id TEXT PRIMARY KEY, subject TEXT NOT NULL, issued_s REAL NOT NULL, expires_s REAL, used_s REAL)
            WITHOUT ROWID""",
        "CREATE TABLE revoked_sessions (session TEXT PRIMARY KEY, until_s REAL NOT NULL) WITHOUT ROWID",
        """CREATE TABLE login_failures (
            key TEXT PRIMARY KEY, count INTEGER NOT NULL, since_s REAL NOT NULL) WITHOUT ROWID""",
    ),
    # From where and by which right something was done, and that nothing of it is changed later.
    (
        *(
            f"ALTER TABLE audit ADD COLUMN \"{column}\" TEXT NOT NULL DEFAULT ''"
            for column in ("address", "sign_in", "right", "result", "before", "after")
        ),
        "CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is kept'); END",
        "CREATE TRIGGER audit_same BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is kept'); END",
    ),
)
VERSION = len(STEPS)


def migrate(database: sqlite3.Connection, path: Path, steps: tuple[Step, ...] = STEPS) -> None:
    """Bring the database to the version of `steps`, all of it or nothing; a copy of the old one stays beside it.

    Raises:
        StoreUnusable: the database is of a later version than this gitopsd knows.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise StoreUnusable(
            f"the store {path} is of version {version}, and this gitopsd knows up to {len(steps)}",
            remedy=f"run the later gitopsd, or put back the copy {path.name}.v* that it made before it migrated",
        )
    if version == len(steps):
        return
    if version:
        _copy(database, path.with_name(f"{path.name}.v{version}"))
    database.execute("BEGIN IMMEDIATE")
    for statements in steps[version:]:
        for statement in statements:
            if isinstance(statement, str):
                database.execute(statement)
            else:
                statement(database)
    database.execute(f"PRAGMA user_version = {len(steps)}")
    database.execute("COMMIT")


def _copy(database: sqlite3.Connection, path: Path) -> None:
    # A fresh file: what an earlier attempt left may be half a copy.
    path.unlink(missing_ok=True)
    database.execute("VACUUM INTO ?", (str(path),))

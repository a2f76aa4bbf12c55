"""What applications left in clusters, and what was once shown in sync: read in memory, written to SQLite first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from gitopsd.model.comparison import Remembered
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.runtime.seal import Seal
from gitopsd.store.database import Database
from gitopsd.store.deletion_hooks import DeletionHooks

# Constants throughout, so that nothing from outside ever stands in a statement.
OBJECT = "app = ? AND cluster = ? AND api_group = ? AND kind = ? AND namespace = ? AND name = ?"
ROW = "INSERT INTO objects (app, cluster, api_group, kind, namespace, name, wanted"
CONFLICT = "ON CONFLICT (app, cluster, api_group, kind, namespace, name) DO UPDATE SET"
WANT = f"{ROW}) VALUES (?, ?, ?, ?, ?, ?, 1) {CONFLICT} wanted = 1"
UNWANT = f"UPDATE objects SET wanted = 0 WHERE {OBJECT}"  # noqa: S608 - constants
SHOW = (
    f"{ROW}, target, view, rules, admission) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?) {CONFLICT} target = "
    "excluded.target, view = excluded.view, rules = excluded.rules, admission = excluded.admission"
)
HIDE = f"UPDATE objects SET target = NULL, view = NULL, rules = NULL, admission = NULL WHERE {OBJECT}"  # noqa: S608
SWEEP = f"DELETE FROM objects WHERE {OBJECT} AND wanted = 0 AND target IS NULL"  # noqa: S608 - constants
COLUMNS = "app, cluster, api_group, kind, namespace, name, wanted, target, view, rules, admission"
NOBODY: frozenset[AppName] = frozenset()
NOTHING: frozenset[ResourceKey] = frozenset()


class InventoryPart:
    def __init__(self, database: Database, seal: Seal | None) -> None:
        self._database = database
        self.hooks = DeletionHooks(database, seal)
        self._targets: dict[AppName, dict[ClusterId, frozenset[ResourceKey]]] = {}
        self._shown: dict[AppName, dict[ClusterId, dict[ResourceKey, Remembered]]] = {}
        self._wanted_by: dict[ClusterId, dict[ResourceKey, frozenset[AppName]]] = {}
        self._approved: dict[AppName, float] = {}  # Unix time
        self._alone: dict[AppName, frozenset[AppName]] = {}  # most objects are wanted by one: the set is shared

    def load(self) -> None:
        same: dict[Any, Any] = {}  # equal strings of many rows become one
        share = same.setdefault
        keys: list[ResourceKey] = []
        proofs: dict[ResourceKey, Remembered] = {}
        owner = ("", "")
        # The table is kept in the order of its key, so that each application's rows come together.
        for row in self._database.rows(f"SELECT {COLUMNS} FROM objects ORDER BY app, cluster"):  # noqa: S608 - constants
            app, cluster, group, kind, namespace, name, is_wanted, target, view, rules, admission = row
            if (app, cluster) != owner:
                self._loaded(owner, keys, proofs)
                owner, keys, proofs = (app, share(cluster, cluster)), [], {}
            key = ResourceKey(share(group, group), share(kind, kind), share(namespace, namespace), name)
            if is_wanted:
                keys.append(key)
            if target is not None:
                proofs[key] = Remembered(target, view, share(rules, rules), share(admission, admission))
        self._loaded(owner, keys, proofs)
        self._approved = dict(self._database.rows("SELECT app, at_s FROM approvals"))
        self.hooks.load()

    def _loaded(self, owner: tuple[str, str], keys: list[ResourceKey], proofs: dict[ResourceKey, Remembered]) -> None:
        app, cluster = AppName(owner[0]), ClusterId(owner[1])
        if keys:
            self._want(app, cluster, frozenset(keys))
        if proofs:
            self._shown.setdefault(app, {})[cluster] = proofs

    def remembered(self, app: AppName, cluster: ClusterId) -> Mapping[ResourceKey, Remembered]:
        return dict(self._shown.get(app, {}).get(cluster, {}))

    def elsewhere(self, app: AppName, but: ClusterId) -> Mapping[ClusterId, frozenset[ResourceKey]]:
        return {cluster: frozenset(proofs) for cluster, proofs in self._shown.get(app, {}).items() if cluster != but}

    def targets(self, app: AppName) -> frozenset[tuple[ClusterId, ResourceKey]]:
        return frozenset((cluster, key) for cluster, keys in self._targets.get(app, {}).items() for key in keys)

    def wanted_by(self, cluster: ClusterId, key: ResourceKey) -> frozenset[AppName]:
        return self._wanted_by.get(cluster, {}).get(key, NOBODY)

    def wanting(self, cluster: ClusterId, inside: Callable[[ResourceKey], bool]) -> frozenset[AppName]:
        return frozenset().union(*(apps for key, apps in self._wanted_by.get(cluster, {}).items() if inside(key)))

    def kinds(self, cluster: ClusterId) -> frozenset[GroupKind]:
        return frozenset(key.group_kind for key in self._wanted_by.get(cluster, {}))

    def approved_s(self, app: AppName) -> float | None:
        return self._approved.get(app)

    def approve(self, app: AppName, at_s: float) -> None:
        with self._database.write(durable=True) as connection:
            connection.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?)", (app, at_s))
        self._approved[app] = at_s

    def remember(self, app: AppName, cluster: ClusterId, proofs: Mapping[ResourceKey, Remembered | None]) -> None:
        current = self._shown.get(app, {}).get(cluster, {})
        new = {key: value for key, value in proofs.items() if value is not None and current.get(key) != value}
        old = [key for key, value in proofs.items() if value is None and key in current]
        if not new and not old:
            return
        with self._database.write(durable=False) as connection:
            rows = ((*_place(app, cluster, key), v.target, v.view, v.rules, v.admission) for key, v in new.items())
            connection.executemany(SHOW, rows)
            _clear(connection, HIDE, app, cluster, old)
        clusters = self._shown.setdefault(app, {})
        current = clusters.setdefault(cluster, current)
        current.update(new)
        for key in old:
            del current[key]
        if not current:
            del clusters[cluster]

    def put_targets(self, app: AppName, cluster: ClusterId, keys: Collection[ResourceKey]) -> None:
        new = frozenset(keys)
        old = self._targets.get(app, {}).get(cluster, NOTHING)
        if new == old:
            return
        with self._database.write(durable=False) as connection:
            connection.executemany(WANT, (_place(app, cluster, key) for key in new - old))
            _clear(connection, UNWANT, app, cluster, old - new)
        self._want(app, cluster, new)

    def clear(self, connection: sqlite3.Connection, app: AppName) -> None:
        connection.execute("DELETE FROM objects WHERE app = ?", (app,))
        connection.execute("DELETE FROM delete_hooks WHERE app = ?", (app,))
        connection.execute("DELETE FROM approvals WHERE app = ?", (app,))

    def forget(self, app: AppName) -> None:
        """Forget in memory what `clear` removed."""
        for cluster in list(self._targets.get(app, {})):
            self._want(app, cluster, NOTHING)
        self._alone.pop(app, None)
        self.hooks.forget(app)
        self._approved.pop(app, None)
        self._shown.pop(app, None)

    def _want(self, app: AppName, cluster: ClusterId, new: frozenset[ResourceKey]) -> None:
        clusters = self._targets.setdefault(app, {})
        old = clusters.get(cluster, NOTHING)
        wanted_by = self._wanted_by.setdefault(cluster, {})
        alone = self._alone.setdefault(app, frozenset({app}))
        for key in old - new:
            rest = wanted_by[key] - alone
            if rest:
                wanted_by[key] = rest
            else:
                del wanted_by[key]
        for key in new - old:
            wanted_by[key] = wanted_by[key] | alone if key in wanted_by else alone
        if new:
            clusters[cluster] = new
        else:
            clusters.pop(cluster, None)


def _clear(
    connection: sqlite3.Connection, statement: str, app: AppName, cluster: ClusterId, keys: Iterable[ResourceKey]
) -> None:
    for key in keys:
        connection.execute(statement, _place(app, cluster, key))
        connection.execute(SWEEP, _place(app, cluster, key))


def _place(app: AppName, cluster: ClusterId, key: ResourceKey) -> tuple[str, ...]:
    return app, cluster, key.group, key.kind, key.namespace, key.name

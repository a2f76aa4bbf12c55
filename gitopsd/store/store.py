"""The store: declarations, inventory, operations, history, audit. Reads are of memory; writes reach SQLite first."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from gitopsd.core.declaration.changes import Documents, read_source, twice
from gitopsd.core.project.inheritance import ProjectInheritance
from gitopsd.errors import NotFound, StoreFailed
from gitopsd.model.application import Application
from gitopsd.model.audit import AuditEntry, AuditQuery, AuditResult
from gitopsd.model.comparison import Remembered
from gitopsd.model.ids import AppName, ClusterId, ProjectName
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey
from gitopsd.model.operation import Operation, SyncRequest, Task
from gitopsd.model.project import AppProject
from gitopsd.model.status import AppStatus, Condition, HistoryEntry
from gitopsd.ports import Clock
from gitopsd.runtime.seal import Seal
from gitopsd.store.accounts import AccountsPart
from gitopsd.store.database import Database, checkpoint
from gitopsd.store.declarations import Changed, DeclarationsPart
from gitopsd.store.inventory import InventoryPart
from gitopsd.store.operations import OperationsPart

CHECKPOINT_S = 5.0  # at a hundred writes a second the log grows by a few MB in that time

AUDIT_COLUMNS = 'at_s, who, what, app, detail, address, sign_in, "right", result, before, after'

log = structlog.get_logger()


class Store:
    """Implements the ports Applications, Inventory and Declarations; used by the event loop's thread alone.

    It is also a service: `run` belongs in the daemon's layer of the store. Of an application that is not declared
    nothing is kept: what a pass still writes after it was forgotten is gone.
    """

    def __init__(self, directory: Path, clock: Clock, seal: Seal | None = None) -> None:
        """Open or make the store in `directory`, and read it. Values of Secrets are kept where there is a `seal`.

        Raises:
            StoreUnusable: it is damaged, another daemon's, or of a later version.
            StoreFailed: the directory cannot be written.
        """
        self.name = "store"
        self._clock = clock
        self._database = Database(directory)
        self._declarations = DeclarationsPart(self._database)
        self._inventory = InventoryPart(self._database, seal)
        self._operations = OperationsPart(self._database)
        self.accounts = AccountsPart(self._database)
        self._statuses: dict[AppName, AppStatus] = {}
        self._on_declared: list[Callable[[frozenset[AppName]], None]] = []
        self._on_changed: list[Callable[[AppName], None]] = []
        with _no_collection():
            for part in (self._declarations, self._inventory, self._operations, self.accounts):
                part.load()
        for broken in self._declarations.broken:
            log.warning("store.declaration_unreadable", declaration=broken)

    def close(self) -> None:
        self._database.close()

    def on_declared(self, call: Callable[[frozenset[AppName]], None]) -> None:
        """Have `call` told of every application that is new, changed, gone, or whose project changed."""
        self._on_declared.append(call)

    def on_changed(self, call: Callable[[AppName], None]) -> None:
        """Have `call` told of every change that can be seen of an application: declaration, status, operation, request.

        It is called often, and must only take note.
        """
        self._on_changed.append(call)

    async def run(self) -> None:
        """Keep the write-ahead log short from a thread of its own, so that no write of the loop has to wait for it."""
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            try:
                await asyncio.to_thread(checkpoint, self._database.path)
            except StoreFailed as err:
                log.warning("store.checkpoint_failed", error=str(err))

    # Declarations

    def declare(
        self, source: str, manifests: Sequence[Manifest], origins: Sequence[str], *, complete: bool, prune: bool
    ) -> Sequence[str]:
        before = self._declarations.of_source(source)
        reading = read_source(Documents(source, manifests, origins, complete, prune), before)
        self._change(self._declarations.after(source, reading))
        others = []
        for key, value in reading.declared.items():
            holder = self._declarations.holder(key)
            if holder is not None and holder.manifest != value.manifest:
                others.append(twice(key, value.origin, holder))
        return (*reading.warnings, *others)

    def undeclare(self, source: str) -> None:
        self._change(self._declarations.without_source(source))

    def _change(self, changed: Changed) -> None:
        if not changed.put and not changed.gone and not changed.dropped and not changed.going:
            return
        now_s = self._clock()
        with self._database.write(durable=True) as connection:
            self._declarations.save(connection, changed, now_s)
            for name in changed.dropped:
                self._operations.clear(connection, name)
                self._inventory.clear(connection, name)
        names = self._declarations.take(changed, now_s) | changed.dropped
        for name in changed.dropped:
            self._operations.forget(name)
            self._inventory.forget(name)
            self._statuses.pop(name, None)
        for name in sorted(names):
            self._tell(name)
        if names:
            for call in self._on_declared:
                call(names)

    # Applications

    def get(self, name: AppName) -> Application | None:
        return self._declarations.get(name)

    def all(self) -> Iterable[Application]:
        return self._declarations.all()

    def contested(self, name: AppName) -> Sequence[Condition]:
        return self._declarations.contested(name)

    def inherit(self, inheritance: ProjectInheritance) -> None:
        """Have projects, from now on, with what `inheritance` adds to them."""
        self._declarations.inheritance = inheritance

    def project(self, name: ProjectName) -> AppProject | None:
        return self._declarations.project(name)

    def projects(self) -> Iterable[AppProject]:
        return tuple(self._declarations.projects())

    def status(self, name: AppName) -> AppStatus | None:
        return self._statuses.get(name)

    def publish(self, name: AppName, status: AppStatus) -> None:
        if self._declarations.get(name) is not None:
            self._statuses[name] = status
            self._tell(name)

    def request(self, name: AppName) -> SyncRequest | None:
        return self._operations.request(name)

    def ask(self, name: AppName, request: SyncRequest | None) -> None:
        if request is not None:
            self._known(name)
        self._operations.ask(name, request)
        self._tell(name)

    def operation(self, name: AppName) -> Operation | None:
        return self._operations.operation(name)

    def put_operation(self, operation: Operation) -> None:
        app = self._declarations.get(operation.app)
        if app is not None:
            self._operations.put(app, operation)
            self._tell(operation.app)

    def history(self, name: AppName) -> Sequence[HistoryEntry]:
        return self._operations.history(name)

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        return self._operations.results(name, history_id)

    def deleting(self, name: AppName) -> bool:
        return self._declarations.deleting_since(name) is not None

    def deleting_since(self, name: AppName) -> float | None:
        """Return the Unix time at which the deletion with its objects began; None: it is not being deleted."""
        return self._declarations.deleting_since(name)

    def delete(self, name: AppName, *, cascade: bool) -> None:
        self._known(name)
        self._change(self._declarations.without_application(name, cascade=cascade))

    def forget(self, name: AppName) -> None:
        self._change(self._declarations.forgotten(name))

    def _tell(self, name: AppName) -> None:
        for call in self._on_changed:
            call(name)

    def _known(self, name: AppName) -> Application:
        app = self._declarations.get(name)
        if app is None:
            raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
        return app

    # Inventory

    def remembered(self, app: AppName, cluster: ClusterId) -> Mapping[ResourceKey, Remembered]:
        return self._inventory.remembered(app, cluster)

    def elsewhere(self, app: AppName, but: ClusterId) -> Mapping[ClusterId, frozenset[ResourceKey]]:
        return self._inventory.elsewhere(app, but)

    def remember(self, app: AppName, cluster: ClusterId, proofs: Mapping[ResourceKey, Remembered | None]) -> None:
        if self._declarations.get(app) is not None:
            self._inventory.remember(app, cluster, proofs)

    def targets(self, app: AppName) -> frozenset[tuple[ClusterId, ResourceKey]]:
        return self._inventory.targets(app)

    def put_targets(self, app: AppName, cluster: ClusterId, keys: Collection[ResourceKey]) -> None:
        if self._declarations.get(app) is not None:
            self._inventory.put_targets(app, cluster, keys)

    def delete_hooks(self, app: AppName) -> Sequence[Manifest]:
        return self._inventory.hooks.of(app)

    def put_delete_hooks(self, app: AppName, hooks: Sequence[Manifest]) -> None:
        if self._declarations.get(app) is not None:
            self._inventory.hooks.put(app, hooks)

    def approved_s(self, app: AppName) -> float | None:
        return self._inventory.approved_s(app)

    def approve(self, app: AppName, at_s: float) -> None:
        if self._declarations.get(app) is not None:
            self._inventory.approve(app, at_s)

    def wanted_by(self, cluster: ClusterId, key: ResourceKey) -> frozenset[AppName]:
        return self._inventory.wanted_by(cluster, key)

    def wanting(self, cluster: ClusterId, inside: Callable[[ResourceKey], bool]) -> frozenset[AppName]:
        return self._inventory.wanting(cluster, inside)

    def kinds(self, cluster: ClusterId) -> frozenset[GroupKind]:
        """Return the kinds of all objects that applications want in `cluster`."""
        return self._inventory.kinds(cluster)

    # audit

    def audit(self, entry: AuditEntry) -> None:
        """Add to the audit log, durably; nothing in it is ever changed. Its id and time are given here."""
        row = (
            self._clock(), entry.who, entry.what, entry.app, entry.detail, entry.address, entry.sign_in, entry.right,
            entry.result.value, entry.before, entry.after,
        )  # fmt: skip
        with self._database.write(durable=True) as connection:
            connection.execute(f"INSERT INTO audit ({AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - a constant

    def audited(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Return entries of the audit log, the newest first."""
        statement = f"""SELECT id, {AUDIT_COLUMNS} FROM audit WHERE (?1 = '' OR app = ?1) AND (?2 = '' OR who = ?2)
            AND (?3 IS NULL OR at_s >= ?3) AND (?4 IS NULL OR id < ?4) ORDER BY id DESC LIMIT ?5"""  # noqa: S608 - a constant
        asked = (query.app, query.by, query.since_s, query.before, query.limit)
        rows: Iterator[Any] = self._database.rows(statement, *asked)
        return [_audit_entry(*row) for row in rows]


def _audit_entry(*row: Any) -> AuditEntry:
    """Return an entry as it is stored; those of old have no result, and were done."""
    (*said, result, before, after) = row
    return replace(AuditEntry(*said), result=AuditResult(result or "done"), before=before, after=after)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Load a hundred thousand objects that all stay, without searching them for garbage: a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

"""The store in memory: Applications, Inventory, Declarations; kept honest by the tests of tests/contract/stores.py."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from gitopsd.core.declaration.changes import (
    DeclarationKey,
    Declared,
    Documents,
    contested,
    holder_of,
    read_source,
    same,
    twice,
)
from gitopsd.core.sync.diagnostics import most_telling
from gitopsd.errors import NotFound
from gitopsd.model.application import Application
from gitopsd.model.comparison import Remembered
from gitopsd.model.ids import AppName, ClusterId, ProjectName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import Operation, SyncRequest, Task
from gitopsd.model.project import DEFAULT, AppProject
from gitopsd.model.status import AppStatus, Condition, HistoryEntry, newest

APPLICATION = "Application"


class FakeApplications:
    """Tests read and change its public fields at will; `fail` is raised by the next write, once."""

    def __init__(self) -> None:
        self.declarations: dict[DeclarationKey, dict[str, Declared]] = {}  # by source
        self.going: dict[AppName, Application] = {}
        self.statuses: dict[AppName, AppStatus] = {}
        self.requests: dict[AppName, SyncRequest] = {}
        self.operations: dict[AppName, Operation] = {}
        self.entries: dict[AppName, list[HistoryEntry]] = {}
        self.noted: dict[AppName, set[str]] = {}  # ids of operations in the history
        self.shown: dict[tuple[AppName, ClusterId], dict[ResourceKey, Remembered]] = {}
        self.wanted: dict[tuple[AppName, ClusterId], frozenset[ResourceKey]] = {}
        self.tasks: dict[AppName, dict[int, Sequence[Task]]] = {}  # of the history
        self.approvals: dict[AppName, float] = {}  # of deletions
        self.hooks: dict[AppName, Sequence[Manifest]] = {}
        self.on_declared: Callable[[frozenset[AppName]], None] = lambda _: None
        self.fail: Exception | None = None

    # Declarations

    def declare(
        self, source: str, manifests: Sequence[Manifest], origins: Sequence[str], *, complete: bool, prune: bool
    ) -> Sequence[str]:
        before = {key: sources[source] for key, sources in self.declarations.items() if source in sources}
        reading = read_source(Documents(source, manifests, origins, complete, prune), before)
        self._write()
        held, told = self._held(), self._told()
        for key, value in reading.declared.items():
            self.declarations.setdefault(key, {})[source] = value
        for key in reading.gone:
            self._let_go(key, source)
        self._tell(held, told)
        others = [
            twice(key, value.origin, holder)
            for key, value in reading.declared.items()
            if (holder := holder_of(self.declarations[key])) and holder.manifest != value.manifest
        ]
        return (*reading.warnings, *others)

    def undeclare(self, source: str) -> None:
        self._write()
        held, told = self._held(), self._told()
        for key in [key for key, sources in self.declarations.items() if source in sources]:
            self._let_go(key, source)
        self._tell(held, told)

    def _let_go(self, key: DeclarationKey, source: str) -> None:
        value = self.declarations[key].pop(source)
        if self.declarations[key]:
            return
        del self.declarations[key]
        if isinstance(value, Application) and value.name not in self.going:
            if value.cascade:
                self.going[value.name] = value
            else:
                self._drop(value.name)

    def _held(self) -> dict[DeclarationKey, Declared]:
        return {key: found for key, sources in self.declarations.items() if (found := holder_of(sources))}

    def _told(self) -> dict[DeclarationKey, Sequence[Condition]]:
        return {key: contested(sources) for key, sources in self.declarations.items()}

    def _tell(
        self, before: Mapping[DeclarationKey, Declared], told: Mapping[DeclarationKey, Sequence[Condition]]
    ) -> None:
        after, tells = self._held(), self._told()
        keys = {key for key in before.keys() | after.keys() if not same(before.get(key), after.get(key))}
        projects = {key.name for key in keys if key.kind != APPLICATION}
        names = {AppName(key.name) for key in keys if key.kind == APPLICATION}
        names |= {AppName(key.name) for key in told.keys() & tells.keys() if told[key] != tells[key]}
        names |= {app.name for app in self.all() if app.project in projects}
        if names:
            self.on_declared(frozenset(names))

    # Applications

    def get(self, name: AppName) -> Application | None:
        if name in self.going:
            return self.going[name]
        found = holder_of(self.declarations.get(DeclarationKey(APPLICATION, name), {}))
        return found if isinstance(found, Application) else None

    def all(self) -> Iterable[Application]:
        names = {key.name for key in self.declarations if key.kind == APPLICATION} | self.going.keys()
        return [app for name in sorted(names) if (app := self.get(AppName(name)))]

    def project(self, name: ProjectName) -> AppProject | None:
        found = holder_of(self.declarations.get(DeclarationKey("AppProject", name), {}))
        return found if isinstance(found, AppProject) else DEFAULT if name == DEFAULT.name else None

    def contested(self, name: AppName) -> Sequence[Condition]:
        return contested(self.declarations.get(DeclarationKey(APPLICATION, name), {}))

    def status(self, name: AppName) -> AppStatus | None:
        return self.statuses.get(name)

    def publish(self, name: AppName, status: AppStatus) -> None:
        if self.get(name):
            self.statuses[name] = status

    def request(self, name: AppName) -> SyncRequest | None:
        return self.requests.get(name)

    def ask(self, name: AppName, request: SyncRequest | None) -> None:
        self._write()
        if request is None:
            self.requests.pop(name, None)
        else:
            self.requests[self._known(name).name] = request

    def operation(self, name: AppName) -> Operation | None:
        return self.operations.get(name)

    def put_operation(self, operation: Operation) -> None:
        app = self.get(operation.app)
        self._write()
        if app is None:
            return
        self.operations[operation.app] = operation
        noted = self.noted.setdefault(operation.app, set())
        if operation.phase.over and not operation.scope.dry_run and operation.id not in noted:
            noted.add(operation.id)
            entries = self.entries.setdefault(operation.app, [])
            entries.append(_entry(app, operation, len(noted)))
            entries[:] = newest(entries, app.history_limit)
            self.tasks.setdefault(operation.app, {})[len(noted)] = most_telling(operation.tasks)
            self.tasks[operation.app] = {entry.id: self.tasks[operation.app][entry.id] for entry in entries}

    def history(self, name: AppName) -> Sequence[HistoryEntry]:
        return tuple(self.entries.get(name, ()))

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        return self.tasks.get(name, {}).get(history_id, ())

    def deleting(self, name: AppName) -> bool:
        return name in self.going

    def delete(self, name: AppName, *, cascade: bool) -> None:
        app = self._known(name)
        self._write()
        held, told = self._held(), self._told()
        self.declarations.pop(DeclarationKey(APPLICATION, name), None)
        if cascade:
            self.going[name] = app
        else:
            self._drop(name)
        self._tell(held, told)

    def forget(self, name: AppName) -> None:
        self._write()
        if name in self.going:
            self._drop(name)  # what was declared again meanwhile begins anew
        else:
            self.declarations.pop(DeclarationKey(APPLICATION, name), None)
            self._drop(name)
        self.on_declared(frozenset({name}))

    def _drop(self, name: AppName) -> None:
        parts: tuple[dict[AppName, Any], ...] = (
            self.going,
            self.statuses,
            self.requests,
            self.operations,
            self.entries,
            self.noted,
            self.tasks,
            self.hooks,
            self.approvals,
        )
        for part in parts:
            part.pop(name, None)
        for app, cluster in list(self.shown):
            if app == name:
                del self.shown[app, cluster]
        for app, cluster in list(self.wanted):
            if app == name:
                del self.wanted[app, cluster]

    # Inventory

    def remembered(self, app: AppName, cluster: ClusterId) -> Mapping[ResourceKey, Remembered]:
        return dict(self.shown.get((app, cluster), {}))

    def elsewhere(self, app: AppName, but: ClusterId) -> Mapping[ClusterId, frozenset[ResourceKey]]:
        places = {where: held for (name, where), held in self.shown.items() if name == app and where != but and held}
        return {where: frozenset(held) for where, held in places.items()}

    def remember(self, app: AppName, cluster: ClusterId, shown: Mapping[ResourceKey, Remembered | None]) -> None:
        self._write()
        if self.get(app) is None:
            return
        held = self.shown.setdefault((app, cluster), {})
        for key, value in shown.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value

    def targets(self, app: AppName) -> frozenset[tuple[ClusterId, ResourceKey]]:
        return frozenset((cluster, key) for (name, cluster), keys in self.wanted.items() if name == app for key in keys)

    def put_targets(self, app: AppName, cluster: ClusterId, keys: Collection[ResourceKey]) -> None:
        self._write()
        if self.get(app) is not None:
            self.wanted[app, cluster] = frozenset(keys)

    def delete_hooks(self, app: AppName) -> Sequence[Manifest]:
        return self.hooks.get(app, ())

    def put_delete_hooks(self, app: AppName, hooks: Sequence[Manifest]) -> None:
        self._write()
        if self.get(app) is not None:
            self.hooks[app] = tuple(hooks)

    def approved_s(self, app: AppName) -> float | None:
        return self.approvals.get(app)

    def approve(self, app: AppName, at_s: float) -> None:
        self._write()
        if self.get(app) is not None:
            self.approvals[app] = at_s

    def wanting(self, cluster: ClusterId, inside: Callable[[ResourceKey], bool]) -> frozenset[AppName]:
        held = ((app, keys) for (app, where), keys in self.wanted.items() if where == cluster)
        return frozenset(app for app, keys in held if any(map(inside, keys)))

    def wanted_by(self, cluster: ClusterId, key: ResourceKey) -> frozenset[AppName]:
        return frozenset(app for (app, where), keys in self.wanted.items() if where == cluster and key in keys)

    def _known(self, name: AppName) -> Application:
        app = self.get(name)
        if app is None:
            raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
        return app

    def _write(self) -> None:
        failure, self.fail = self.fail, None
        if failure is not None:
            raise failure


def _entry(app: Application, operation: Operation, number: int) -> HistoryEntry:
    return HistoryEntry(
        id=number,
        revisions=operation.revisions,
        started_s=operation.started_s,
        finished_s=operation.finished_s or operation.started_s,
        initiated_by=operation.initiated_by,
        phase=operation.phase.value,
        message=operation.message,
        target=operation.target,
        sources=tuple(dict(source.options) for source in app.sources),
        end=operation.end,
    )

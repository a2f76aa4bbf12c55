"""What every source declares, and which of several declarations of one name holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from gitopsd.core.declaration import declared
from gitopsd.core.declaration.changes import DeclarationKey, DeclarationReading, Declared, contested, holder_of, same
from gitopsd.core.project.inheritance import ProjectInheritance
from gitopsd.errors import InvalidDeclaration, NotSupported
from gitopsd.model.application import Application, Origin
from gitopsd.model.ids import AppName, ProjectName
from gitopsd.model.project import DEFAULT, AppProject
from gitopsd.model.status import Condition
from gitopsd.store.database import Database

APPLICATION = "Application"
PROJECT = "AppProject"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a write is about to change."""

    put: Mapping[tuple[DeclarationKey, str], Declared]  # by name and source
    gone: frozenset[tuple[DeclarationKey, str]]
    going: Mapping[AppName, Application]  # whose objects are to be deleted first
    dropped: frozenset[AppName]  # of which nothing stays


class DeclarationsPart:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._declared: dict[DeclarationKey, dict[str, Declared]] = {}  # by source; `holder_of` says which one holds
        self._going: dict[AppName, tuple[Application, float]] = {}
        self._all: tuple[Application, ...] | None = None  # until a declaration changes
        self._next_place = 0
        self.inheritance = ProjectInheritance()
        self.broken: list[str] = []  # rows that this version cannot read; they stay as they are

    def load(self) -> None:
        for row in self._database.rows("SELECT * FROM declarations ORDER BY place"):
            kind, name, source, rank, file, line, manifest = row
            self._next_place = rank + 1
            value = self._read(manifest, Origin(source, file, line))
            if value is not None:
                self._declared.setdefault(DeclarationKey(kind, name), {})[source] = value
        for row in self._database.rows("SELECT * FROM deleting"):
            app, since_s, source, file, line, manifest = row
            value = self._read(manifest, Origin(source, file, line))
            if isinstance(value, Application):
                self._going[app] = value, since_s

    def _read(self, manifest: bytes, origin: Origin) -> Declared | None:
        try:
            return declared(orjson.loads(manifest), origin)
        except (InvalidDeclaration, NotSupported) as err:
            self.broken.append(f"{origin}: {err}")
            return None

    # reading

    def get(self, name: AppName) -> Application | None:
        if name in self._going:
            return self._going[name][0]
        holder = self.holder(DeclarationKey(APPLICATION, name))
        return holder if isinstance(holder, Application) else None

    def all(self) -> tuple[Application, ...]:
        """Return every application, by name."""
        if self._all is None:
            names = {AppName(key.name) for key in self._declared if key.kind == APPLICATION} | self._going.keys()
            self._all = tuple(app for name in sorted(names) if (app := self.get(name)) is not None)
        return self._all

    def project(self, name: ProjectName) -> AppProject | None:
        """Return a project with what it inherits."""
        project = self._declared_project(name)
        return None if project is None else self.inheritance.effective(project, self._declared_project)

    def _declared_project(self, name: ProjectName) -> AppProject | None:
        holder = self.holder(DeclarationKey(PROJECT, name))
        if isinstance(holder, AppProject):
            return holder
        return DEFAULT if name == DEFAULT.name else None

    def projects(self) -> Iterator[AppProject]:
        names = {DEFAULT.name, *(key.name for key in self._declared if key.kind == PROJECT)}
        return (declared for name in sorted(names) if (declared := self.project(ProjectName(name))))

    def deleting_since(self, name: AppName) -> float | None:
        return self._going[name][1] if name in self._going else None

    def of_source(self, source: str) -> dict[DeclarationKey, Declared]:
        return {key: sources[source] for key, sources in self._declared.items() if source in sources}

    def holder(self, key: DeclarationKey) -> Declared | None:
        return holder_of(self._declared.get(key, {}))

    def contested(self, name: AppName) -> tuple[Condition, ...]:
        return contested(self._declared.get(DeclarationKey(APPLICATION, name), {}))

    # what a write changes

    def after(self, source: str, reading: DeclarationReading) -> Changed:
        """Return the change that makes `reading` what `source` declares."""
        put = {(key, source): reading.declared[key] for key in reading.declared if key in reading.changed}
        return self._without(((key, source) for key in reading.gone), put)

    def without_source(self, source: str) -> Changed:
        return self._without((key, source) for key in self.of_source(source))

    def without_application(self, name: AppName, *, cascade: bool) -> Changed:
        """Return the change by which `name` is declared nowhere; with `cascade` its objects are deleted first."""
        key = DeclarationKey(APPLICATION, name)
        gone = frozenset((key, source) for source in self._declared.get(key, {}))
        app = self.get(name)
        going = {name: app} if cascade and app is not None else {}
        return Changed({}, gone, going, frozenset() if cascade else frozenset({name}))

    def _without(
        self,
        gone: Iterable[tuple[DeclarationKey, str]],
        put: Mapping[tuple[DeclarationKey, str], Declared] | None = None,
    ) -> Changed:
        gone = frozenset(gone)
        going, dropped = {}, set()
        for key, source in gone:
            value = self._declared[key][source]
            last = self._declared[key].keys() == {source}
            if last and isinstance(value, Application) and value.name not in self._going:
                if value.cascade:
                    going[value.name] = value
                else:
                    dropped.add(value.name)
        return Changed(put or {}, gone, going, frozenset(dropped))

    # the write, first to disk, then in memory

    def save(self, connection: sqlite3.Connection, changed: Changed, now_s: float) -> None:
        for rank, ((key, source), value) in enumerate(changed.put.items(), self._next_place):
            row = (*key, source, rank, value.origin.file, value.origin.line, orjson.dumps(value.manifest))
            connection.execute(
                "INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "file = excluded.file, line = excluded.line, manifest = excluded.manifest",
                row,
            )
        for key, source in sorted(changed.gone):
            connection.execute("DELETE FROM declarations WHERE kind = ? AND name = ? AND source = ?", (*key, source))
        for name, app in changed.going.items():
            last = (name, now_s, app.origin.source, app.origin.file, app.origin.line, orjson.dumps(app.manifest))
            connection.execute("INSERT OR IGNORE INTO deleting VALUES (?, ?, ?, ?, ?, ?)", last)
        for name in changed.dropped:
            connection.execute("DELETE FROM deleting WHERE app = ?", (name,))

    def take(self, changed: Changed, now_s: float) -> frozenset[AppName]:
        """Make in memory what `save` wrote; return the applications to look at anew."""
        keys = {key for key, _ in (*changed.put, *changed.gone)}
        conditions = {key: self._told(key) for key in keys}
        before = {key: self.holder(key) for key in keys}
        for (key, source), value in changed.put.items():
            self._declared.setdefault(key, {})[source] = value
        for key, source in changed.gone:
            del self._declared[key][source]
            if not self._declared[key]:
                del self._declared[key]
        for name, app in changed.going.items():
            self._going.setdefault(name, (app, now_s))
        for name in changed.dropped:
            self._going.pop(name, None)
        self._next_place += len(changed.put)
        self._all = None
        moved = {key for key in keys if not same(before[key], self.holder(key))}
        projects = {key.name for key in moved if key.kind == PROJECT}
        moved |= {key for key in keys if conditions[key] != self._told(key)}
        names = {AppName(key.name) for key in moved if key.kind == APPLICATION}
        if projects:
            projects |= self.inheritance.heirs(frozenset(projects), self.projects())
            names |= {app.name for app in self.all() if app.project in projects}
        return frozenset(names)

    def _told(self, key: DeclarationKey) -> tuple[Condition, ...]:
        return contested(self._declared.get(key, {}))

    def forgotten(self, name: AppName) -> Changed:
        """Return the change by which nothing stays of `name`, but what was declared since its deletion began."""
        if name in self._going:
            return Changed({}, frozenset(), {}, frozenset({name}))
        return self.without_application(name, cascade=False)

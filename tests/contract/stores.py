"""The store and its fake, how each comes back after a restart, and what is declared to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from gitopsd.errors import StoreFailed
from gitopsd.model.comparison import Comparison, Remembered, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, Revision, TargetHash, ViewHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, Task, TaskVerb
from gitopsd.model.status import AppStatus
from gitopsd.ports import Applications, Declarations, Inventory
from gitopsd.store import Store
from tests.fakes.applications import FakeApplications

SHOP = AppName("shop")
PROD = ClusterId("prod")
WEB = ResourceKey("apps", "Deployment", "shop", "web")
OLD = ResourceKey("", "ConfigMap", "shop", "old")
SEEN = Remembered(TargetHash("t"), ViewHash("v"), "rules", "admission")
STATUS = AppStatus(Comparison(SyncStatus.SYNCED, Health(HealthStatus.HEALTHY)), (Revision("a" * 40),), PROD)


class Ports(Applications, Inventory, Declarations, Protocol):
    """All three: one thing keeps them."""


class Subject(Protocol):
    """A store, how it comes back after a restart, and whom it said were declared."""

    store: Ports
    told: list[frozenset[AppName]]

    def restarted(self) -> Ports: ...

    def failing(self) -> AbstractContextManager[None]:
        """Have every write fail while the block runs."""
        ...


class Fake:
    def __init__(self) -> None:
        self.fake = FakeApplications()
        self.store: Ports = self.fake
        self.told: list[frozenset[AppName]] = []
        self.fake.on_declared = self.told.append

    def restarted(self) -> Ports:
        return self.store

    @contextmanager
    def failing(self) -> Iterator[None]:
        self.fake.fail = StoreFailed("disk full", remedy="free some")
        yield


class Real:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.told: list[frozenset[AppName]] = []
        self.real = self._open()
        self.store: Ports = self.real

    def _open(self) -> Store:
        store = Store(self.directory, lambda: 1000.0)
        store.on_declared(self.told.append)
        return store

    def restarted(self) -> Ports:
        self.real.close()
        self.store = self.real = self._open()
        return self.store

    @contextmanager
    def failing(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.directory / "gitopsd.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


def declare(
    subject: Subject, *documents: Any, source: str = "dir:a", complete: bool = True, prune: bool = False
) -> list[str]:
    origins = [f"{source}/{place}.yaml:1" for place in range(len(documents))]
    return list(subject.store.declare(source, documents, origins, complete=complete, prune=prune))


def application(name: str, *, project: str = "default", path: str = ".", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, **metadata},
        "spec": {
            "project": project,
            "source": {"repoURL": "https://git.example/x", "path": path},
            "destination": {"name": "prod"},
        },
    }


def project(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name}, "spec": spec}


def operation(identity: str = "op1", phase: OperationPhase = OperationPhase.RUNNING, **changed: Any) -> Operation:
    return replace(
        Operation(
            id=identity,
            app=SHOP,
            cluster=PROD,
            target=TargetHash("t"),
            revisions=(Revision("a" * 40),),
            tasks=(Task(WEB, TaskVerb.APPLY),),
            phase=phase,
            started_s=10.0,
        ),
        **changed,
    )


def names(store: Ports) -> list[str]:
    return sorted(app.name for app in store.all())

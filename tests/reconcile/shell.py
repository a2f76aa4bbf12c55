"""The shell over fakes of its neighbours: every part of `gitopsd.reconcile` joined as the daemon joins them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from gitopsd.core.sync.retry import retry_after_s
from gitopsd.core.sync.step import SyncLimits
from gitopsd.declarations.app_of_apps import AppOfApps
from gitopsd.errors import GitopsError
from gitopsd.model.application import Mode
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import Operation
from gitopsd.model.status import AppStatus, Condition
from gitopsd.reconcile.rendering import ReadingRights
from gitopsd.reconcile.wiring import Edges, PassRules, Surroundings, pass_graph
from gitopsd.reconcile.workers import Again
from gitopsd.runtime.queue import KeyQueue
from tests.fakes.applications import FakeApplications
from tests.fakes.ledger import FakeLedger
from tests.fakes.scripts import FakePaths
from tests.fakes.signatures import FakeSignatures
from tests.fakes.witness import FakeWitness
from tests.fakes.world import World
from tests.reconcile.clusters import C1, FakeClusters
from tests.reconcile.git import REPO, FakeGit

SERVERS = {ClusterId("c1"): "https://c1.example.org", ClusterId("c2"): "https://c2.example.org"}
REFRESH_S = 1e6  # so late that no test gets well by it
LIMITS = SyncLimits(operation_s=3600.0, gate_s=1800.0)


async def turns() -> None:
    """Let every task come as far as it gets by itself."""
    for _ in range(30):
        await asyncio.sleep(0)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Line(KeyQueue[AppName]):
    """A queue that hands out nothing by itself: tests say whose turn it is, and what time it is."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.due: dict[AppName, None] = {}
        self.later: dict[AppName, float] = {}
        self.passing: set[AppName] = set()
        self.passes: list[AppName] = []

    def add(self, key: AppName, after_s: float = 0.0) -> None:
        if key in self.due:
            return
        if after_s > 0:
            self.later[key] = min(self.later.get(key, 1e18), self.clock() + after_s)
        else:
            self.later.pop(key, None)
            self.due[key] = None

    def is_running(self, key: AppName) -> bool:
        return key in self.passing

    def awake(self) -> None:
        """Make due what is due by now."""
        for name, at_s in list(self.later.items()):
            if at_s <= self.clock():
                del self.later[name]
                self.due[name] = None


class Shell:
    """One life of the daemon's shell; another one over the same store, Git and clusters is a restart."""

    def __init__(  # noqa: PLR0913 - what a restart leaves as it is, and what it changes
        self,
        clock: Clock | None = None,
        apps: FakeApplications | None = None,
        git: FakeGit | None = None,
        clusters: FakeClusters | None = None,
        ledger: FakeLedger | None = None,
        *,
        mode: Mode = Mode.ENFORCE,
        limits: SyncLimits = LIMITS,
    ) -> None:
        self.clock = clock or Clock()
        self.apps = apps or FakeApplications()
        self.git = git or FakeGit(self.clock)
        self.clusters = clusters or FakeClusters()
        self.over: list[Operation] = []
        self.errors: list[GitopsError] = []
        self.failures: dict[AppName, int] = {}
        self.paths = FakePaths()
        self.witness = FakeWitness()
        self.fenced = ""  # why nothing may be written
        self.line = Line(self.clock)
        self.polled: Sequence[str] = ()
        self.ids = itertools.count(1)
        self.ledger = ledger or FakeLedger()
        self._joined(mode, limits)
        self.drift.restore(self.ledger.entries.values())
        self._listen()

    def _new_id(self) -> str:
        return f"op-{id(self)}-{next(self.ids)}"  # another life numbers anew

    def _joined(self, mode: Mode, limits: SyncLimits) -> None:
        """Join the parts of a pass as the daemon joins them."""
        worlds = self.clusters.worlds
        edges = Edges(
            apps=self.apps,
            inventory=self.apps,
            sources=self.git,
            renderer=self.git,
            signatures=FakeSignatures(),
            live=self.clusters,
            residents=self.clusters,
            applier=self.clusters,
            paths=self.paths,
            diagnostics=self.witness,
            ledger=self.ledger,
        )
        rules = PassRules(
            servers=SERVERS,
            mode=mode,
            excluded=lambda at, kind: kind in worlds[at].excluded,
            limits=limits,
            commands_at_once=8,
            refresh_s=REFRESH_S,
        )
        around = Surroundings(
            now_s=self.clock,
            new_id=self._new_id,
            queue=self.line,
            walk=self.git.walk,
            poll=self._poll,
            offered=lambda _: Offered(),
            fenced=lambda _: self.fenced,
            rights=ReadingRights(self.apps),
            declarer=lambda at, targets: AppOfApps(self.apps, self.apps, at, targets, self.clock, self._new_id),
            on_sync=self.over.append,
        )
        graph = pass_graph(edges, rules, around)
        self.barrier, self.targets, self.snapshots = graph.barrier, graph.targets, graph.snapshots
        self.renderer, self.triggers, self.commands = graph.renderer, graph.triggers, graph.commands
        self.drift, self.reconciler = graph.drift, graph.reconciler

    def _listen(self) -> None:
        """Have store, Git and clusters tell, and take up what they hold already."""
        self.apps.on_declared = self.triggers.declared
        self.git.on_closure = self.triggers.closure
        self.git.on_epoch = self.triggers.epoch
        for world in self.clusters.worlds.values():
            world.on_change = self.line.add
        self.triggers.declared(app.name for app in self.apps.all())
        if self.git.epoch is not None:
            self.triggers.epoch(REPO, None, self.git.epoch)

    def _poll(self, repos: Any) -> None:
        self.polled = sorted(repos)

    @property
    def world(self) -> World:
        return self.clusters.worlds[C1]

    def restarted(self, **changed: Any) -> Shell:
        return Shell(self.clock, self.apps, self.git, self.clusters, self.ledger, **changed)

    def declare(self, *manifests: Manifest, source: str = "dir:/declarations", prune: bool = True) -> Sequence[str]:
        origins = [f"{source}/{place}.yaml:1" for place in range(len(manifests))]
        return self.apps.declare(source, manifests, origins, complete=True, prune=prune)

    async def pass_over(self, name: str) -> Again:
        """Have one pass, as `Passes` has it."""
        key = AppName(name)
        self.line.due.pop(key, None)
        self.line.passing.add(key)
        self.line.passes.append(key)
        try:
            again = await self.reconciler.reconcile(key)
            self.failures.pop(key, None)
        except GitopsError as err:
            self.errors.append(err)
            self.reconciler.failed(key, Condition("ComparisonError", err.what, err.remedy))
            self.failures[key] = self.failures.get(key, 0) + 1
            again = Again(retry_after_s(err, self.failures[key]) or REFRESH_S)
        finally:
            self.line.passing.discard(key)
        if again.after_s is not None:
            self.line.add(key, again.after_s)
        return again

    async def settle(self, *, for_s: float = 2000.0) -> None:
        """Let everything happen that is due within `for_s`, one thing after the other."""
        async with asyncio.TaskGroup() as group:
            walking = group.create_task(self.triggers.run(), name="triggers")
            await self._settled(self.clock() + for_s)
            walking.cancel()

    async def walk(self) -> None:
        """Find out whom the epochs touch that were told of, and have no passes."""
        async with asyncio.TaskGroup() as group:
            walking = group.create_task(self.triggers.run(), name="triggers")
            await turns()
            walking.cancel()

    async def _settled(self, end_s: float) -> None:
        for _ in range(5000):
            await turns()
            self.line.awake()
            if self.line.due:
                await self.pass_over(next(iter(self.line.due)))
                continue
            next_s = min(self.line.later.values(), default=end_s)
            if next_s >= end_s:
                self.clock.now_s = end_s
                return
            self.clock.now_s = next_s
        raise AssertionError(f"never quiet: {self.line.passes[-20:]}")

    def status(self, name: str) -> AppStatus:
        found = self.apps.status(AppName(name))
        assert found is not None, f"{name} has no status"
        return found

    def operation(self, name: str) -> Operation:
        found = self.apps.operation(AppName(name))
        assert found is not None, f"{name} has no operation"
        return found

    def sync_status(self, name: str) -> str:
        return self.status(name).comparison.status.value

    def names(self, cluster: ClusterId = C1) -> set[str]:
        return {key.name for key in self.clusters.worlds[cluster].objects if key.kind == "ConfigMap"}


def app(name: str = "shop", **spec: Any) -> Manifest:
    """Return the manifest of an application of `apps/<name>` that syncs, prunes and heals by itself."""
    meta = {"name": name, "namespace": "argocd", **spec.pop("metadata", {})}
    path, cluster = spec.pop("path", f"apps/{name}"), spec.pop("cluster", "c1")
    defaults = {
        "project": "default",
        "source": {"repoURL": REPO, "targetRevision": "main", "path": path},
        "destination": {"name": cluster, "namespace": "prod"},
        "syncPolicy": {"automated": AUTOMATED},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": meta,
        "spec": {**defaults, **spec},
    }


BY_HAND: Mapping[str, Any] = {"syncPolicy": {}}
AUTOMATED = {"prune": True, "selfHeal": True, "allowEmpty": True}
ONCE: Mapping[str, Any] = {"syncPolicy": {"automated": AUTOMATED, "retry": {"limit": 0}}}  # no failed sync is retried
CASCADE = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}


def config(name: str, value: str = "1", **meta: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": {"value": value}}


def config_key(name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", "prod", name)

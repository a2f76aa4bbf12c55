"""What decides: triggers, passes, syncs, the ledger of drift; between Git's side and the clusters' side."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from gitopsd.core.sync.healing import Pacing
from gitopsd.core.sync.step import SyncLimits
from gitopsd.daemon.base import Base
from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.daemon.clusters import ClusterSide
from gitopsd.daemon.declaration_sources import DeclarationSources
from gitopsd.daemon.rules import ignored
from gitopsd.daemon.sources import GitSide
from gitopsd.declarations.app_of_apps import AppOfApps
from gitopsd.git.epoch import Epoch
from gitopsd.model.application import Mode
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.operation import Operation
from gitopsd.reconcile.wiring import Edges, PassRules, Surroundings, pass_graph
from gitopsd.reconcile.workers import Passes
from gitopsd.settings import Settings
from gitopsd.store.ledger import Ledger


class Controller:
    """Every part that decides, in the order in which they depend on each other; and what wakes it."""

    def __init__(self, base: Base, sources: GitSide, clusters: ClusterSide, cluster_secrets: ClusterSecrets) -> None:
        settings, store, metrics, now_s = base.settings, base.store, base.metrics, base.now_s
        self._store, self._sources, self._clusters, self._metrics = store, sources, clusters, metrics
        drift, sync = settings.drift, settings.sync
        self.ledger = Ledger(settings.data_dir, now_s, max_entries=drift.max_entries, max_age_s=drift.max_age_s)
        self.queue = base.queue
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex  # noqa: E731 - one id for all who need one
        edges = Edges(
            apps=store,
            inventory=store,
            sources=sources.for_applications,
            renderer=sources.renderer,
            signatures=sources.signatures,
            live=clusters.live,
            residents=clusters.live,
            applier=clusters.applier,
            paths=clusters.paths,
            diagnostics=clusters.diagnostics,
            ledger=self.ledger,
        )
        around = Surroundings(
            now_s=now_s,
            new_id=new_id,
            queue=self.queue,
            walk=sources.changes,
            poll=self._poll,
            offered=clusters.live.offered,
            fenced=clusters.leases.fenced,
            rights=sources.rights,
            declarer=lambda destinations, targets: AppOfApps(store, store, destinations, targets, now_s, new_id),
            on_sync=self._on_sync,
            on_drift=metrics.drifted,
        )
        graph = pass_graph(edges, _rules(settings, clusters), around)
        self.triggers, self.commands, self.drift = graph.triggers, graph.commands, graph.drift
        self._destinations, self._renderer = graph.destinations, graph.renderer
        self.drift.restore(self.ledger.recent(now_s() - drift.fight_window_s))
        self.passes = Passes(
            self.queue,
            graph.reconciler.reconcile,
            graph.reconciler.failed,
            sync.workers,
            sync.refresh_s,
            self._on_pass,
            self.commands.pass_ended,
            self._project_of,
        )
        self.declarations = DeclarationSources(
            base, sources, graph.barrier, cluster_secrets, self.triggers.rights_moved
        )

    def declared(self, names: frozenset[AppName]) -> None:
        """Take note of applications that are new, changed, or gone."""
        self.triggers.declared(names)
        for name in names:
            if self._store.get(name) is None:
                self._metrics.forget(name)
                self.drift.forget(name)

    def epoch(self, repo: RepoUrl, old: Epoch | None, new: Epoch) -> None:
        """Take note of a new epoch of a repository."""
        self.triggers.epoch(repo, old, new)
        self.declarations.epoch(repo)

    def offers(self, cluster: ClusterId) -> None:
        """Take note that a cluster offers something else than before."""
        self.triggers.offered(cluster, self._renderer.askers)

    def group_of(self, name: AppName) -> tuple[ClusterId | None, str]:
        """Return whose turn a pass is: neither a cluster nor a project holds up another."""
        app = self._store.get(name)
        return (self._destinations.cluster_of(app), app.project) if app else (None, "")

    def _project_of(self, name: AppName) -> str:
        app = self._store.get(name)
        return app.project if app else ""

    def _poll(self, repos: Iterable[RepoUrl]) -> None:
        sources = self._sources
        # The declarations in Git are rendered for an application without a name.
        bases = sources.renderer.repositories(lambda name: not name or self._store.get(name) is not None)
        sources.git.watch([*repos, *self.declarations.repositories, *bases])

    def _on_pass(self, name: AppName, outcome: str, seconds: float) -> None:
        self._metrics.pass_over(outcome, seconds)
        app = self._store.get(name)
        if app is not None:
            cluster = self._destinations.cluster_of(app)
            self._metrics.reconciled(app, self._clusters.servers.get(cluster or ClusterId(""), ""), seconds)

    def _on_sync(self, operation: Operation) -> None:
        app = self._store.get(operation.app)
        if app is not None:
            self._metrics.synced(app, self._clusters.servers.get(operation.cluster, ""), operation)


def _rules(settings: Settings, clusters: ClusterSide) -> PassRules:
    drift, sync = settings.drift, settings.sync
    return PassRules(
        servers=clusters.servers,
        mode=Mode(settings.mode),
        home=settings.argocd_namespace,
        tracking=clusters.tracking,
        excluded=clusters.excluded,
        ignored=ignored(settings.compare),
        pacing=Pacing(sync.heal_wait_s, sync.heal_max_s, sync.argocd_quiet_s),
        limits=SyncLimits(sync.operation_deadline_s, sync.gate_deadline_s),
        refresh_s=sync.refresh_s,
        fight_turns=drift.fight_turns,
        fight_window_s=drift.fight_window_s,
    )

"""What decides: triggers, passes, syncs, the ledger of drift; between Git's side and the clusters' side."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from gitopsd.core.source.touch_index import TouchIndex
from gitopsd.core.sync.decide import Pacing
from gitopsd.core.sync.step import SyncLimits
from gitopsd.daemon.base import Base
from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.daemon.clusters import ClusterSide
from gitopsd.daemon.declaration_sources import DeclarationSources
from gitopsd.daemon.rules import ignored
from gitopsd.daemon.sources import GitSide
from gitopsd.declarations.app_of_apps import AppOfApps
from gitopsd.git.epoch import Epoch
from gitopsd.model.application import Application, Mode
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.operation import Operation
from gitopsd.reconcile.barrier import Barrier
from gitopsd.reconcile.compare import Comparer
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.drift import DriftRecorder
from gitopsd.reconcile.former_clusters import FormerClusters
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.page import Reconciler
from gitopsd.reconcile.rendering import ApplicationRenderer
from gitopsd.reconcile.residents import Holders
from gitopsd.reconcile.source_integrity import IntegrityGate
from gitopsd.reconcile.sync import Syncer
from gitopsd.reconcile.triggers import Triggers
from gitopsd.reconcile.user_commands import UserCommands
from gitopsd.reconcile.workers import Passes
from gitopsd.runtime.queue import KeyQueue
from gitopsd.store.ledger import Ledger

COMMANDS_AT_ONCE = 32  # in flight for one application; the client bounds what a cluster gets


class Controller:
    """Every part that decides, in the order in which they depend on each other; and what wakes it."""

    def __init__(self, base: Base, sources: GitSide, clusters: ClusterSide, cluster_secrets: ClusterSecrets) -> None:
        settings, store, metrics, now_s = base.settings, base.store, base.metrics, base.now_s
        self._store, self._sources, self._clusters, self._metrics = store, sources, clusters, metrics
        drift, sync = settings.drift, settings.sync
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex  # noqa: E731 - one id for all who need one
        everywhere = ignored(settings.compare)
        self.ledger = Ledger(settings.data_dir, now_s, max_entries=drift.max_entries, max_age_s=drift.max_age_s)
        self.drifts = DriftRecorder(self.ledger, now_s, drift.fight_turns, drift.fight_window_s, metrics.drifted)
        self.drifts.restore(self.ledger.recent(now_s() - drift.fight_window_s))
        self.queue: KeyQueue[AppName] = KeyQueue(self._group_of)
        barrier = Barrier(self.queue.add)
        wants = TargetIndex(store, barrier, self.queue.add)
        self.placing = Destinations(
            store,
            clusters.live,
            wants,
            clusters.servers,
            Mode(settings.mode),
            clusters.tracking,
            clusters.excluded,
            settings.argocd_namespace,
        )
        self.triggers = Triggers(
            self.queue,
            store,
            TouchIndex(),
            barrier,
            sources.changes,
            self.placing.cluster_of,
            self._poll,
            wants.gone,
            sources.rights.permits,
        )
        self.desire = ApplicationRenderer(
            sources.git,
            sources.renderer,
            barrier,
            now_s,
            sources.rights,
            IntegrityGate(store, sources.signatures),
            self._offered,
        )
        syncer = Syncer(
            store,
            store,
            clusters.live,
            clusters.applier,
            now_s,
            new_id,
            Pacing(sync.heal_wait_s, sync.heal_max_s, sync.argocd_quiet_s),
            SyncLimits(sync.operation_deadline_s, sync.gate_deadline_s),
            COMMANDS_AT_ONCE,
            self._on_sync,
            everywhere,
            clusters.witness,
            clusters.leases.fenced,
        )
        holders = Holders(self.placing, clusters.live, now_s)
        reconciler = Reconciler(
            store,
            self.desire,
            self.placing,
            holders,
            Comparer(clusters.live, clusters.applier, store, clusters.paths, everywhere),
            syncer,
            AppOfApps(store, store, self.placing, now_s, new_id),
            now_s,
            sync.refresh_s,
            self.drifts,
            FormerClusters(self.placing, holders, clusters.applier, now_s, clusters.leases.fenced),
        )
        self.asks = UserCommands(
            store,
            sources.git,
            self.desire,
            self.placing,
            clusters.applier,
            self.queue,
            clusters.paths,
            everywhere,
        )
        self.passes = Passes(
            self.queue,
            reconciler.reconcile,
            reconciler.failed,
            sync.workers,
            sync.refresh_s,
            self._on_pass,
            self.asks.pass_ended,
        )
        self.declarations = DeclarationSources(base, sources, barrier, cluster_secrets, self.triggers.rights_moved)

    def declared(self, names: frozenset[AppName]) -> None:
        """Take note of applications that are new, changed, or gone."""
        self.triggers.declared(names)
        for name in names:
            if self._store.get(name) is None:
                self._metrics.forget(name)
                self.drifts.forget(name)

    def epoch(self, repo: RepoUrl, old: Epoch | None, new: Epoch) -> None:
        """Take note of a new epoch of a repository."""
        self.triggers.epoch(repo, old, new)
        self.declarations.epoch(repo)

    def offers(self, cluster: ClusterId) -> None:
        """Take note that a cluster offers something else than before."""
        self.triggers.offered(cluster, self.desire.askers)

    def _group_of(self, name: AppName) -> ClusterId | None:
        app = self._store.get(name)
        return self.placing.cluster_of(app) if app else None

    def _offered(self, app: Application) -> Offered | None:
        cluster = self.placing.cluster_of(app)
        return Offered() if cluster is None else self._clusters.live.offered(cluster)

    def _poll(self, repos: Iterable[RepoUrl]) -> None:
        sources = self._sources
        # The declarations in Git are rendered for an application without a name.
        bases = sources.renderer.repositories(lambda name: not name or self._store.get(name) is not None)
        sources.git.watch([*repos, *self.declarations.repositories, *bases])

    def _on_pass(self, name: AppName, outcome: str, seconds: float) -> None:
        self._metrics.pass_over(outcome, seconds)
        app = self._store.get(name)
        if app is not None:
            cluster = self.placing.cluster_of(app)
            self._metrics.reconciled(app, self._clusters.servers.get(cluster or ClusterId(""), ""), seconds)

    def _on_sync(self, operation: Operation) -> None:
        app = self._store.get(operation.app)
        if app is not None:
            self._metrics.synced(app, self._clusters.servers.get(operation.cluster, ""), operation)

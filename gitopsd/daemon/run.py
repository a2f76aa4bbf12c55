"""The daemon from start to stop; the only file that knows every part."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import structlog

from gitopsd import __version__
from gitopsd.api.app import Parts, api_app, probe_app
from gitopsd.api.backend import VersionInfo
from gitopsd.api.events import Changes
from gitopsd.api.listener import Listener
from gitopsd.api.probes import Health, Part, Readiness
from gitopsd.api.tls import TlsFiles
from gitopsd.api.webhooks import Webhook, WebhookBounds
from gitopsd.apply.run import ClusterApplier
from gitopsd.apply.witness import ClusterWitness
from gitopsd.control.barrier import Barrier
from gitopsd.control.bases import Bases
from gitopsd.control.completing import Completing
from gitopsd.control.declare import Declarer
from gitopsd.control.desired import Desire
from gitopsd.control.drifts import Drifts
from gitopsd.control.integrity import Integrity
from gitopsd.control.judge import Judge
from gitopsd.control.placing import Placing
from gitopsd.control.reconcile import Reconciler
from gitopsd.control.roots import GitDeclarations, Trusted, source_of
from gitopsd.control.service import Asks
from gitopsd.control.sync import Syncer
from gitopsd.control.triggers import Triggers
from gitopsd.control.wants import Wants
from gitopsd.control.workers import Passes
from gitopsd.core.policy import Pacing
from gitopsd.core.step import Limits
from gitopsd.core.touch_index import TouchIndex
from gitopsd.daemon import confine
from gitopsd.daemon.backend import DaemonBackend
from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.daemon.freshness import Freshness, Snapshot, turned
from gitopsd.daemon.leases import Leases
from gitopsd.daemon.reload import Reloader
from gitopsd.daemon.rules import ignored, tracking
from gitopsd.git.epoch import Epoch
from gitopsd.git.repositories import Repositories
from gitopsd.git.signatures import CommitSignatures
from gitopsd.git.signers import Signers
from gitopsd.kube.client import Client
from gitopsd.kube.credentials import server_of
from gitopsd.live.mirrors import LiveMirrors
from gitopsd.manifests import jobs, plugins
from gitopsd.manifests.cache import Cache, decoded_key, key_in
from gitopsd.manifests.embedded import EmbeddedRedis
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.sops_keys import Keyring
from gitopsd.model.application import Application, Mode
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.operation import Operation
from gitopsd.model.project import IntegrityPolicy, Verify
from gitopsd.ports import Clock
from gitopsd.runtime import workers as pool
from gitopsd.runtime.giveback import GiveBack
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.memory import best_place
from gitopsd.runtime.metrics import Meters
from gitopsd.runtime.notify import Systemd, Watchdog
from gitopsd.runtime.queue import KeyQueue
from gitopsd.runtime.signals import Signals, listening
from gitopsd.runtime.tasks import Graceful, Service, running
from gitopsd.runtime.tether import PR_SET_DUMPABLE, control
from gitopsd.scripts import checks, jq, lua
from gitopsd.scripts.health import LuaChecks
from gitopsd.scripts.ignored import JqPaths
from gitopsd.scripts.pool import script_workers
from gitopsd.settings import DeclarationSource, GitSettings, Settings
from gitopsd.store.directory import DeclarationDirectory, Secrets
from gitopsd.store.ledger import Ledger
from gitopsd.store.store import Store
from gitopsd.telemetry.metrics import Metrics
from gitopsd.telemetry.scrape import World
from gitopsd.trust import secrets as credentials
from gitopsd.trust.credentials import Trust

OPENERS = {True: "gitopsd.git.tree:open_tree", False: "gitopsd.git.tree:open_tree_alone"}  # with submodules?
CHANGES = "gitopsd.git.touched:changes"
log = structlog.get_logger()


async def run(config: Path, settings: Settings) -> None:
    """Run until told to stop. Raises InvalidSettings and StoreUnusable for what a person must mend."""
    for directory in (settings.data_dir, settings.run_dir):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    control(PR_SET_DUMPABLE, 0)  # also where a program that renders could not be given a namespace
    store = Store(settings.data_dir, time.time)
    try:
        with listening() as signals:
            async with AsyncExitStack() as stack:
                clusters = ClusterSecrets(settings)
                daemon = Daemon(config, await clusters.with_clusters(), store, signals, clusters)
                await daemon.serve(stack)
    finally:
        store.close()
    log.info("daemon.stopped")


class Daemon:
    """Every part, built once; the attributes are in the order in which they depend on each other."""

    def __init__(
        self, config: Path, settings: Settings, store: Store, signals: Signals, secrets_of: ClusterSecrets
    ) -> None:
        self.settings, self.store, self.signals, self.cluster_secrets = settings, store, signals, secrets_of
        self.now_s: Clock = time.time  # the one clock
        now_s = self.now_s
        self.meters = Meters()
        self.metrics = Metrics(self.meters)
        self.lag = LoopLag(observe=self.metrics.loop_lag)
        self.systemd = Systemd.of_environment(os.environ, os.getpid())
        self.changes = Changes()
        self.queue: KeyQueue[AppName] = KeyQueue(self._group_of)
        self.clients = {
            ClusterId(each.name): Client(each, on_request=self._on_request(each.name), now_s=now_s)
            for each in settings.clusters
        }
        self.servers: Mapping[ClusterId, str] = {ClusterId(each.name): server_of(each) for each in settings.clusters}
        self.work_dir = best_place(settings.run_dir / "work")
        self.workers = _workers(settings, self.work_dir, self.metrics)
        self.trust = Trust(settings.git, now_s)
        self.git = Repositories(
            settings.git,
            data_dir=settings.data_dir,
            run_dir=settings.run_dir,
            now_s=now_s,
            trust=self.trust,
            oci=settings.oci,
            call=self.workers.call,
            on_epoch=self._on_epoch,
            on_request=lambda kind, repo, s, ok: self.metrics.git_request(repo, kind, s, failed=not ok),
        )
        self.redis = EmbeddedRedis(settings.run_dir) if settings.redis.url == "embedded" else None
        self.cache = self._cache()
        renderer = ClosureRenderer(
            self.workers,
            self.cache,
            self.git.mirror,
            work_dir=self.work_dir,
            opener=OPENERS[settings.git.submodules],
            limits=settings.render,
            tools=settings.tools,
            plugins=plugins.load(settings.plugins),
            keyring=Keyring(settings.sops.keys, settings.sops.program),
            on_closure=lambda *found: self.triggers.closure(*found),  # noqa: PLW0108 - there are none yet
            on_render=self._on_render,
        )
        self.renderer = self.bases = Bases(Completing(renderer, self.git.parts), self.git, self.trust.as_trusted)
        self.lua_workers = script_workers(settings.scripts, lua.__name__, self.metrics.worker_job)
        self.jq_workers = script_workers(settings.scripts, jq.__name__, self.metrics.worker_job)
        self.paths = JqPaths(self.jq_workers, settings.scripts, time.monotonic)
        self.health_checks = LuaChecks(self.lua_workers, checks.load(settings.health), settings.scripts, time.monotonic)
        self.listed: set[ClusterId] = set()
        self.tracking = tracking(settings.tracking)
        self.live = LiveMirrors(
            self.clients,
            kinds=store.kinds,
            on_change=lambda *where: self.triggers.live(*where),  # noqa: PLW0108 - as above
            on_cluster=self._on_cluster,
            on_offer=lambda cluster: self.triggers.offered(cluster, self.desire.askers),
            takeover=settings.sync.takeover,
            tracking=self.tracking,
            checks=self.health_checks,
        )
        self.leases = Leases.of(settings, self.clients, now_s, lambda cluster: self.triggers.cluster(cluster))  # noqa: PLW0108 - as above
        self.applier = ClusterApplier(
            self.clients,
            self.live.resource,
            settings.sync.takeover,
            self.live.version_of,
            self.paths.paths,
            self.leases.fenced,
        )
        self.ledger, self.drifts = self._drifts()
        self.barrier = Barrier(self.queue.add)
        self.wants = Wants(store, self.barrier, self.queue.add)
        self.placing = Placing(store, self.live, self.wants, self.servers, Mode(settings.mode), self.tracking)
        self.triggers = Triggers(
            self.queue,
            store,
            TouchIndex(),
            self.barrier,
            self._walk,
            self.placing.cluster_of,
            self._poll,
            self.wants.gone,
        )
        self.desire = Desire(
            *(self.git, self.renderer, self.barrier, now_s),
            *(Integrity(store, self.signatures, self.trust.project), self._offered),
        )
        self.reconciler = self._reconciler()
        self.asks = Asks(
            store, self.git, self.desire, self.placing, self.applier, self.queue, self.paths, ignored(settings.compare)
        )
        self.passes = Passes(
            self.queue,
            self.reconciler.reconcile,
            self.reconciler.failed,
            settings.sync.workers,
            settings.sync.refresh_s,
            self.metrics.pass_over,
            self.asks.pass_ended,
        )
        self.roots = [
            GitDeclarations(
                source_of(each.repo_url, each.target_revision, each.path, recurse=each.recurse),
                each.prune,
                self.git,
                self.renderer,
                store,
                self.barrier,
                _trusted(each, self.signatures),
            )
            for each in settings.declarations
            if each.directory is None
        ]
        self.directories = [
            DeclarationDirectory(each.directory, each, store, self._parse, now_s, on_secrets=self._on_secrets)
            for each in settings.declarations
            if each.directory is not None
        ]
        self.freshness = Freshness(settings, self.git, self.live, self.servers, self._on_freshness)
        self.backend = DaemonBackend(
            store,
            self.asks,
            self.git,
            self.live,
            self.servers,
            self.ledger,
            self.freshness,
            noticed=self.leases.noticed,
        )
        self.serving = False  # the API answers
        self.readiness = Readiness(self._parts)
        self.reloader = Reloader(config, secrets_of.written, self.systemd, signals.reload, self._on_git)
        self.token = _api_token(settings)
        store.on_declared(self._on_declared)
        store.on_changed(self.changes.changed)
        world = World(
            self.backend.views,
            self.backend.clusters,
            self.backend.repositories,
            lambda: (self.queue.depth, self.queue.running, self.queue.delayed),
            now_s,
            self.drifts.open,
            settings.metrics.application_labels,
        )
        self.meters.on_scrape(world.collect)

    async def serve(self, stack: AsyncExitStack) -> None:
        """Start the layers, wait for the stop signal, let passes finish, and leave the layers to `stack`."""
        settings = self.settings
        health = Health(self.lag)
        probes = Listener(
            "probes",
            probe_app(health, self.readiness, self.meters.exposition),
            settings.api.probe_host,
            settings.api.probe_port,
        )
        await stack.enter_async_context(running(self.lag, GiveBack(), Watchdog(self.systemd, self.lag), probes))
        for client in self.clients.values():
            await stack.enter_async_context(client)
        stack.callback(shutil.rmtree, self.work_dir, ignore_errors=True)
        await stack.enter_async_context(self.cache)
        await stack.enter_async_context(self.lua_workers)
        await stack.enter_async_context(self.jq_workers)
        redis = (self.redis,) if self.redis else ()
        await stack.enter_async_context(running(self.store, self.ledger, self.cache, self.workers, *redis))
        for directory in self.directories:
            await directory.credentials()
        await stack.enter_async_context(running(self.git))
        await stack.enter_async_context(running(*self.live.mirrors.values(), *self.leases.kept.values()))
        self._on_declared(frozenset(app.name for app in self.store.all()) | {each.app for each in self.drifts.open()})
        passes = Graceful(self.passes, self.queue.close, grace_s=settings.grace_s)
        await stack.enter_async_context(running(passes, self.triggers))
        listener, services = self._api(health)
        await stack.enter_async_context(
            running(listener, *services, self.freshness, self.reloader, *self.directories, *self.roots)
        )
        await listener.up()
        self.serving = True
        status = f"API on {settings.api.host}:{listener.port}, {len(self.clients)} clusters"
        self.systemd.ready(status)
        log.info("daemon.ready", api=listener.port, probes=probes.port, version=__version__)
        await self.signals.stop.wait()
        self.readiness.stopping()
        self.systemd.stopping()

    def _drifts(self) -> tuple[Ledger, Drifts]:
        drift, now_s = self.settings.drift, self.now_s
        ledger = Ledger(self.settings.data_dir, now_s, max_entries=drift.max_entries, max_age_s=drift.max_age_s)
        drifts = Drifts(ledger, now_s, drift.fight_turns, drift.fight_window_s, self.metrics.drifted)
        drifts.restore(ledger.recent(now_s() - drift.fight_window_s))
        return ledger, drifts

    def _reconciler(self) -> Reconciler:
        settings, store, now_s = self.settings, self.store, self.now_s
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex  # noqa: E731 - one id for all who need one
        sync = settings.sync
        syncer = Syncer(
            store,
            store,
            self.live,
            self.applier,
            now_s,
            new_id,
            Pacing(sync.heal_wait_s, sync.heal_max_s, sync.argocd_quiet_s),
            Limits(sync.operation_deadline_s, sync.gate_deadline_s),
            32,
            self._on_sync,
            ignored(settings.compare),
            ClusterWitness(self.clients, self.live.children, sync.log_lines),
            self.leases.fenced,
        )
        judge = Judge(self.live, self.applier, store, self.paths, ignored(settings.compare))
        declarer = Declarer(store, store, self.placing, now_s, new_id)
        return Reconciler(store, self.desire, self.placing, judge, syncer, declarer, now_s, sync.refresh_s, self.drifts)

    def _api(self, health: Health) -> tuple[Listener, Sequence[Service]]:
        api = self.settings.api
        webhook = Webhook(
            self.reloader.webhook_secret,
            self.git.pushed,
            told=self.metrics.webhook,
            bounds=WebhookBounds(max_bytes=api.max_webhook_bytes),
        )
        tls = TlsFiles(api.cert_file, api.key_file) if api.cert_file and api.key_file else None
        parts = Parts(
            self.backend,
            self.changes,
            webhook,
            health,
            VersionInfo(__version__),
            lambda: self.reloader.token() or self.token,
            self.now_s,
            tls=tls is not None,
        )
        return Listener("api", api_app(parts), api.host, api.port, tls=tls), (tls,) if tls else ()

    # What the edges tell.

    def _on_declared(self, names: frozenset[AppName]) -> None:
        self.triggers.declared(names)
        for name in names:
            if self.store.get(name) is None:
                self.metrics.forget(name)
                self.drifts.forget(name)

    def _on_freshness(self, before: Snapshot, after: Snapshot) -> None:
        for name in turned(self.store.all(), self.store.status, before, after):
            self.changes.changed(name)

    def _on_cluster(self, cluster: ClusterId) -> None:
        if cluster not in self.listed:
            self.listed.add(cluster)
            gc.freeze()  # its objects stay, so the loop need not wait while the collector goes through them again
        self.triggers.cluster(cluster)

    def _offered(self, app: Application) -> Offered | None:
        cluster = self.placing.cluster_of(app)
        return Offered() if cluster is None else self.live.offered(cluster)

    def _on_epoch(self, repo: RepoUrl, old: Epoch | None, new: Epoch) -> None:
        self.triggers.epoch(repo, old, new)
        for root in self.roots:
            root.epoch(repo)

    @cached_property
    def signatures(self) -> CommitSignatures:
        signers = Signers(self.settings.git, self.settings.run_dir / "git")
        return CommitSignatures(self.git.mirror, self.git.epoch, signers)

    def _on_git(self, settings: GitSettings) -> None:
        self.signatures.signers.settings = settings
        self.git.configure(settings)

    def _on_secrets(self, source: str, secrets: Secrets) -> Sequence[str]:
        read = credentials.read(secrets)
        if self.trust.declare(source, read.declared):
            self.git.retry()
        return [*read.errors, *read.warnings, *self.cluster_secrets.told(read.clusters)]

    def _on_render(self, outcome: str, _seconds: float) -> None:
        if outcome != "failed":
            self.metrics.looked_up(hit=outcome == "hit")
        if outcome == "miss":
            self.metrics.rendered()

    def _on_sync(self, operation: Operation) -> None:
        app = self.store.get(operation.app)
        if app is not None:
            server = self.servers.get(operation.cluster, "")
            self.metrics.synced(app, server, operation)

    def _on_request(self, cluster: str) -> Callable[[str, int, float], None]:
        def observe(verb: str, code: int, seconds: float) -> None:
            self.metrics.api_request(cluster, self.servers[ClusterId(cluster)], verb, code, seconds)

        return observe

    def _on_cache(self, event: str) -> None:
        if event == "unsealed":
            self.metrics.unsealed()
        self.metrics.redis_degraded(degraded=self.cache.state.degraded)

    # What the shell asks for.

    def _group_of(self, name: AppName) -> ClusterId | None:
        app = self.store.get(name)
        return self.placing.cluster_of(app) if app else None

    def _poll(self, repos: Iterable[RepoUrl]) -> None:
        self.git.watch([*repos, *(root.source.repo_url for root in self.roots), *self.bases.repositories])

    async def _walk(self, repo: RepoUrl, old: str, new: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = await self.workers.call(CHANGES, self.git.mirror(repo), old, new)
        return found

    async def _parse(self, name: str, text: str) -> Sequence[tuple[int, Any]]:
        found: Sequence[tuple[int, Any]] = await self.workers.call(jobs.DOCUMENTS, name, text)
        return found

    def _cache(self) -> Cache:
        redis, key = self.settings.redis, self.settings.redis.key
        return Cache(
            self.redis.url if self.redis else redis.url,
            decoded_key(key.read(), "redis.key") if key else key_in(self.settings.data_dir / "cache.key"),
            password=self.redis.password if self.redis else redis.password.read() if redis.password else None,
            deadline_s=redis.deadline_s,
            ttl_s=redis.ttl_s,
            on_event=self._on_cache,
            ready=self.redis.ready if self.redis else None,
        )

    def _parts(self) -> Sequence[Part]:
        """Return what `/readyz` tells: a cluster or repository that is away keeps nothing else from its work."""
        cache = self.cache.state
        parts = [
            Part("store", ready=True),
            Part("api", ready=self.serving),
            Part("redis", not cache.degraded, cache.reason, required=False),
            confine.part(self.workers.isolation, self.work_dir),
        ]
        for cluster in self.servers:
            age = self.live.age(cluster)
            told = age.error or ("" if age.synced else "its first lists are under way")
            parts.append(Part(f"cluster {cluster}", age.synced or bool(age.error), told))
            if noticed := self.leases.noticed(cluster):
                parts.append(Part(f"lease {cluster}", not self.leases.fenced(cluster), noticed, required=False))
        parts += [
            Part(directory.name, directory.declared.is_set(), "; ".join(directory.problems[:3]))
            for directory in self.directories
        ]
        for repo in self.git.repositories():
            error = self.git.last_error(repo)
            told = str(error) if error else ""
            parts.append(Part(f"repository {repo}", self.git.epoch(repo) is not None, told, required=False))
        return parts


def _workers(settings: Settings, work_dir: Path, metrics: Metrics) -> pool.WorkerPool:
    limits = pool.Limits(
        deadline_s=settings.workers.deadline_s,
        data_bytes=settings.workers.data_bytes,
        output_bytes=settings.workers.output_bytes,
        file_bytes=settings.workers.file_bytes,
    )
    preload = ("gitopsd.manifests.jobs", "gitopsd.git.touched", "gitopsd.git.unpack")
    confinement = confine.confinement(settings, work_dir, os.environ)
    return pool.WorkerPool(
        settings.workers.count, limits, preload=preload, confinement=confinement, on_job=metrics.worker_job
    )


def _trusted(source: DeclarationSource, signatures: CommitSignatures) -> Trusted | None:
    verify = Verify(source.verify)
    policy = IntegrityPolicy((source.repo_url,), verify, source.keys, source.principals)
    return None if verify is Verify.NONE else Trusted(policy, signatures)


def _api_token(settings: Settings) -> str:
    """Return the bearer token of the data directory, made there where the settings name none; else ""."""
    if settings.api.token is not None:
        return ""
    file = settings.data_dir / "api-token"
    if not file.exists():
        new = file.with_suffix(".new")  # a start that is killed here must not leave an empty token
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(32))
        new.replace(file)
        log.info("api.token_made", file=str(file))
    return file.read_text().strip()

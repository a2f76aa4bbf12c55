"""The daemon from start to stop: its parts joined, and their lifetimes."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Hashable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from gitopsd import __version__
from gitopsd.daemon.api_server import ApiServer
from gitopsd.daemon.base import Base
from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.daemon.clusters import ClusterListeners, ClusterSide
from gitopsd.daemon.controller import Controller
from gitopsd.daemon.reload import Reloader
from gitopsd.daemon.rules import inheritance
from gitopsd.daemon.sources import GitSide
from gitopsd.daemon.worker_views import mirrors
from gitopsd.git.epoch import Epoch
from gitopsd.manifests.cache import decoded_key
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.runtime.die_with_parent import PR_SET_DUMPABLE, control
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.malloc_trim import MallocTrim
from gitopsd.runtime.memory import kept
from gitopsd.runtime.metrics import Meters
from gitopsd.runtime.queue import KeyQueue
from gitopsd.runtime.seal import Seal
from gitopsd.runtime.signals import Signals, listening
from gitopsd.runtime.systemd import Systemd, Watchdog
from gitopsd.runtime.tasks import STUCK_S, Graceful, running
from gitopsd.settings import Settings
from gitopsd.store.store import Store
from gitopsd.telemetry.metrics import Metrics

OTHERS = 0o077  # rights of group and world: mirrors hold what others' credentials have fetched

log = structlog.get_logger()


async def run(config: Path, settings: Settings) -> None:
    """Run until told to stop. Raises InvalidSettings and StoreUnusable for what a person must mend."""
    for directory in (settings.data_dir, settings.run_dir, mirrors(settings)):  # a worker is shown what is there
        make_private(directory)
    control(PR_SET_DUMPABLE, 0)  # also where a program that renders could not be given a namespace
    store = Store(settings.data_dir, time.time, _seal(settings))
    try:
        with listening() as signals:
            async with AsyncExitStack() as stack:
                clusters = ClusterSecrets(settings)
                daemon = Daemon(config, await clusters.with_clusters(), store, signals, clusters)
                await daemon.serve(stack)
    finally:
        store.close()
    log.info("daemon.stopped")


def _seal(settings: Settings) -> Seal | None:
    """Return what seals Secrets in the store; None without a key that lies elsewhere: one beside it would be none."""
    key = settings.redis.key
    return Seal(decoded_key(key.read(), "redis.key")) if key else None


def make_private(directory: Path) -> None:
    """Have a directory that nobody else of the machine can look into, made here or before."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = directory.stat()
    if status.st_uid == os.geteuid() and status.st_mode & OTHERS:
        directory.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
        log.warning("daemon.directory_closed", directory=str(directory), was=oct(stat.S_IMODE(status.st_mode)))


class Daemon:
    """Every part, built once, in the order in which they depend on each other; what goes the other way is told here."""

    def __init__(
        self, config: Path, settings: Settings, store: Store, signals: Signals, cluster_secrets: ClusterSecrets
    ) -> None:
        meters = Meters()
        metrics = Metrics(meters)
        queue: KeyQueue[AppName] = KeyQueue(self._group_of)
        self._base = Base(settings, store, meters, metrics, LoopLag(observe=metrics.loop_lag), time.time, queue)
        self._stop = signals.stop
        self._systemd = Systemd.of_environment(os.environ, os.getpid())
        self._sources = GitSide(self._base, self._on_epoch, self._on_closure)
        store.inherit(inheritance(settings, self._sources.trust.repositories_of))
        self._clusters = ClusterSide(self._base, ClusterListeners(queue.add, self._on_reached, self._on_offers))
        self._controller = Controller(self._base, self._sources, self._clusters, cluster_secrets)
        self._reloader = Reloader(
            config, cluster_secrets.written, self._systemd, signals.reload, self._sources.configure
        )
        self._front = ApiServer(self._base, self._sources, self._clusters, self._controller, self._reloader)
        store.on_declared(self._controller.declared)

    async def serve(self, stack: AsyncExitStack) -> None:
        """Start the layers, wait for the stop signal, let passes finish, and leave the layers to `stack`."""
        settings, store, lag = self._base.settings, self._base.store, self._base.lag
        sources, clusters, controller, front = self._sources, self._clusters, self._controller, self._front
        declarations = controller.declarations
        await stack.enter_async_context(running(lag, MallocTrim(), Watchdog(self._systemd, lag), front.probes))
        for client in clusters.clients.values():
            await stack.enter_async_context(client)
        stack.enter_context(kept(sources.work_dir))
        await stack.enter_async_context(sources.cache)
        await stack.enter_async_context(sources.unpackers)
        await stack.enter_async_context(clusters.lua_workers)
        await stack.enter_async_context(clusters.jq_workers)
        redis = (sources.redis,) if sources.redis else ()
        await stack.enter_async_context(running(store, controller.ledger, sources.cache, sources.workers, *redis))
        for directory in declarations.directories:
            await directory.credentials()
        await stack.enter_async_context(running(sources.git))
        await stack.enter_async_context(running(*clusters.live.mirrors.values(), *clusters.leases.kept.values()))
        drifting = {entry.app for entry in controller.drift.open()}
        controller.declared(frozenset(app.name for app in store.all()) | drifting)
        passes = Graceful(controller.passes, controller.queue.close, grace_s=settings.grace_s)
        await stack.enter_async_context(running(passes, controller.triggers, stuck_s=settings.grace_s + STUCK_S))
        await stack.enter_async_context(
            running(*front.services, self._reloader, *declarations.directories, *declarations.roots)
        )
        await front.api.up()
        front.serving = True
        self._systemd.ready(f"API on {settings.api.host}:{front.api.port}, {len(clusters.clients)} clusters")
        log.info("daemon.ready", api=front.api.port, probes=front.probes.port, version=__version__)
        await self._stop.wait()
        front.readiness.stopping()
        self._systemd.stopping()

    # Sources and clusters are built before the controller that they tell.

    def _group_of(self, name: AppName) -> Hashable:
        return self._controller.group_of(name)

    def _on_epoch(self, repo: RepoUrl, old: Epoch | None, new: Epoch) -> None:
        self._controller.epoch(repo, old, new)

    def _on_closure(self, app: AppName, source: Source, looked_up: tuple[str, ...] | None) -> None:
        self._controller.triggers.closure(app, source, looked_up)

    def _on_reached(self, cluster: ClusterId) -> None:
        self._controller.triggers.cluster(cluster)

    def _on_offers(self, cluster: ClusterId) -> None:
        self._controller.offers(cluster)

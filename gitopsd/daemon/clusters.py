"""The clusters: their clients, mirrors, leases and writes, and the scripts that judge what lives there."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import structlog

from gitopsd.apply.diagnostics import ClusterDiagnostics
from gitopsd.apply.run import ClusterApplier
from gitopsd.daemon.base import Base
from gitopsd.daemon.leases import Leases
from gitopsd.daemon.rules import exclusions, tracking
from gitopsd.daemon.sandbox_policy import hidden
from gitopsd.errors import InvalidSettings
from gitopsd.kube.client import KubeClient
from gitopsd.kube.credentials import server_of
from gitopsd.live.mirrors import LiveMirrors
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, GroupKind
from gitopsd.scripts import actions, health_checks, jq, lua
from gitopsd.scripts.actions import ObjectActions
from gitopsd.scripts.health import LuaChecks
from gitopsd.scripts.ignored import JqPaths
from gitopsd.scripts.pool import script_workers
from gitopsd.settings import CustomizationSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClusterListeners:
    """Whom clusters tell."""

    changed: Callable[[AppName], None]  # an object of the application is different
    reached: Callable[[ClusterId], None]  # its first lists are in, or cannot be had; it answers again; its lease turned
    offers: Callable[[ClusterId], None]  # other kinds, or another version, than before


class ClusterSide:
    """Every part that speaks to clusters, in the order in which they depend on each other."""

    def __init__(self, base: Base, ears: ClusterListeners) -> None:
        settings, metrics, now_s = base.settings, base.metrics, base.now_s
        self._metrics, self._reached = metrics, ears.reached
        self._listed: set[ClusterId] = set()
        self.servers: Mapping[ClusterId, str] = {
            ClusterId(cluster.name): server_of(cluster) for cluster in settings.clusters
        }
        self.clients = {
            ClusterId(cluster.name): KubeClient(
                cluster,
                on_request=self._on_request(ClusterId(cluster.name)),
                now_s=now_s,
                exec_plugins=settings.exec_plugins,
            )
            for cluster in settings.clusters
        }
        ours = hidden(settings, os.environ)
        self.lua_workers = script_workers(settings.scripts, lua.__name__, metrics.worker_job, ours)
        self.jq_workers = script_workers(settings.scripts, jq.__name__, metrics.worker_job, ours)
        self.paths = JqPaths(self.jq_workers, settings.scripts, time.monotonic)
        self.tracking = tracking(settings.tracking)
        # Asked of every object in every pass.
        self._excludes = lru_cache(maxsize=4096)(exclusions(settings.resource).excludes)
        self.live = LiveMirrors(
            self.clients,
            kinds=base.store.kinds,
            on_change=ears.changed,
            on_cluster=self._on_cluster,
            on_offer=ears.offers,
            on_events=self._on_events,
            takeover=settings.sync.takeover,
            tracking=self.tracking,
            checks=LuaChecks(self.lua_workers, health_checks.load(settings.health), settings.scripts, time.monotonic),
            excluded=self.excluded,
            refresh_s=settings.sync.refresh_s,
        )
        self.actions = ObjectActions(
            self.lua_workers, actions.load(settings.customizations), settings.scripts, now_s, time.monotonic
        )
        self.leases = Leases.of(settings, self.clients, now_s, ears.reached)
        self.applier = ClusterApplier(
            self.clients,
            self.live.resource,
            settings.sync.takeover,
            self.live.version_of,
            self.paths.paths,
            self.leases.fenced,
        )
        self.diagnostics = ClusterDiagnostics(self.clients, self.live.children, settings.sync.log_lines)

    def customize(self, customizations: CustomizationSettings) -> None:
        """Offer what is configured now; what cannot be used leaves what was."""
        try:
            self.actions.customizations = actions.load(customizations)
        except InvalidSettings as err:  # the settings were looked at, and the file has changed since
            log.error("actions.kept", error=err.what, remedy=err.remedy)  # noqa: TRY400 - they say it all

    def excluded(self, cluster: ClusterId, kind: GroupKind) -> bool:
        """Tell whether nothing of a kind is read or written in `cluster`."""
        return self._excludes(kind, (cluster, self.servers[cluster]))

    def _on_cluster(self, cluster: ClusterId) -> None:
        if cluster not in self._listed:
            self._listed.add(cluster)
            gc.freeze()  # its objects stay, so the loop need not wait while the collector goes through them again
        self._reached(cluster)

    def _on_events(self, cluster: ClusterId, gvk: GVK, count: int) -> None:
        self._metrics.watch_events(self.servers[cluster], gvk.group, gvk.kind, count)

    def _on_request(self, cluster: ClusterId) -> Callable[[str, int, float], None]:
        def observe(verb: str, code: int, seconds: float) -> None:
            self._metrics.api_request(cluster, self.servers[cluster], verb, code, seconds)

        return observe

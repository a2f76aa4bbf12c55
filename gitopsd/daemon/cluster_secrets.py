"""Clusters that Secrets beside declarations describe: known from the start on, their logins renewed while it runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from gitopsd.declarations.directory import Secrets, content, read_files
from gitopsd.declarations.files import scan
from gitopsd.manifests.jobs import documents
from gitopsd.settings import ClusterSettings, Settings
from gitopsd.trust.clusters import ClusterSecret
from gitopsd.trust.secrets import read

log = structlog.get_logger()


async def secrets_in(settings: Settings) -> Mapping[Path, Secrets]:
    """Return the Secrets with credentials of every declaration directory; what cannot be read is told elsewhere."""
    by_directory = {}
    for source in settings.declarations:
        if source.directory is not None:
            scanned = await asyncio.to_thread(scan, source.directory, recurse=source.recurse)
            by_directory[source.directory] = content(scanned, await read_files(scanned, _parse, {}, 0.0)).secrets
    return by_directory


async def _parse(name: str, text: str) -> Sequence[tuple[int, Any]]:
    # Everything else is read later, by who declares it, in workers.
    return await asyncio.to_thread(documents, name, text) if "secret-type" in text else ()


class ClusterSecrets:
    """Holds each cluster's login as a file that is on no disk."""

    def __init__(self, written: Settings) -> None:
        self.written = written  # the settings, without the clusters of Secrets
        self._files: dict[str, int] = {}  # by the cluster's name; -1: it needs none
        self._held: dict[str, bytes] = {}
        self._within: dict[str, tuple[tuple[str, ...], bool]] = {}

    async def with_clusters(self) -> Settings:
        """Return the settings with the clusters that Secrets describe now; those of the settings go before them."""
        by_directory = await secrets_in(self.written)
        clusters = {cluster.name: cluster for secrets in by_directory.values() for cluster in read(secrets).clusters}
        taken = {cluster.name for cluster in self.written.clusters}
        for name in sorted(taken & clusters.keys()):
            log.warning("clusters.secret_ignored", cluster=name, reason="the settings have a cluster of that name")
        added = tuple(self._settings(cluster) for name, cluster in sorted(clusters.items()) if name not in taken)
        return replace(self.written, clusters=(*self.written.clusters, *added))

    def told(self, clusters: Iterable[ClusterSecret]) -> Sequence[str]:
        """Take the logins that Secrets hold now; return what has no effect before the next start."""
        late = []
        for cluster in clusters:
            if cluster.name not in self._files:
                if cluster.name not in {declared.name for declared in self.written.clusters}:
                    late.append(f"cluster {cluster.name} is not known yet; it is from the next start on")
            elif self._held[cluster.name] != cluster.kubeconfig and self._files[cluster.name] >= 0:
                self._write(cluster)
            if self._within.get(cluster.name) not in (None, (cluster.namespaces, cluster.cluster_resources)):
                late.append(f"the namespaces of cluster {cluster.name} are other ones from the next start on")
        return late

    def _settings(self, cluster: ClusterSecret) -> ClusterSettings:
        self._within[cluster.name] = cluster.namespaces, cluster.cluster_resources
        within: dict[str, Any] = {"namespaces": cluster.namespaces, "cluster_resources": cluster.cluster_resources}
        within["project"] = cluster.project
        if not cluster.kubeconfig:
            self._files[cluster.name], self._held[cluster.name] = -1, b""
            return ClusterSettings(cluster.name, in_cluster=True, **within)
        self._files[cluster.name] = os.memfd_create("gitopsd-kubeconfig")
        self._write(cluster)
        return ClusterSettings(cluster.name, kubeconfig=Path(f"/proc/self/fd/{self._files[cluster.name]}"), **within)

    def _write(self, cluster: ClusterSecret) -> None:
        file = self._files[cluster.name]
        os.pwrite(file, cluster.kubeconfig, 0)
        os.ftruncate(file, len(cluster.kubeconfig))
        self._held[cluster.name] = cluster.kubeconfig

"""Objects that no apply can touch: their managedFields name a version that the definition has no more (500)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gitopsd.apply import entries
from gitopsd.core.ownership.versions import at_served, told, versions_of
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import Manifest, ResourceKey

FAULT = 500
Served = Callable[[str], Awaitable[bool]]  # whether a cluster serves the object's kind at an apiVersion


@dataclass(frozen=True, slots=True)
class StaleVersions:
    """What of an object's entries cannot be read any more."""

    live: Manifest
    versions: frozenset[str]

    @property
    def words(self) -> str:
        return told(self.live, self.versions)


async def stale_versions(
    client: KubeClient, resource: ApiResource, key: ResourceKey, reply: Reply, served: Served
) -> StaleVersions | None:
    """Return what of the live object's entries makes every apply fail, as `reply` did; None where it is not that."""
    if reply.code != FAULT:
        return None
    read = await client.request("GET", object_path(resource, key.namespace, key.name))
    if not read.ok:
        return None
    unserved = frozenset([version for version in sorted(versions_of(read.body)) if not await served(version)])
    return StaleVersions(read.body, unserved) if unserved else None


async def mend(client: KubeClient, resource: ApiResource, key: ResourceKey, stale: StaleVersions) -> Reply | None:
    """Move our entry to the version that is served, and drop those of others; nothing else changes."""
    return await entries.changed(client, resource, key, lambda live: at_served(live, stale.versions))

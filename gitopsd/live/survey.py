"""Finds tracked objects of kinds that are not watched, by lists of metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gitopsd.kube.client import Client
from gitopsd.kube.paths import collection_path
from gitopsd.live.watch import METADATA
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GroupKind, Manifest

# There are many, they are short-lived, and nobody writes them in Git.
NEVER = frozenset({GroupKind("", "Event"), GroupKind("events.k8s.io", "Event")})
GONE = 410


def surveyed(resource: ApiResource) -> bool:
    """Tell whether a kind is looked through: it can be listed and watched, at the version the cluster prefers."""
    return resource.preferred and resource.verbs >= {"list", "watch"} and resource.gvk.group_kind not in NEVER


async def has_tracked(client: Client, resource: ApiResource, is_tracked: Callable[[Manifest], bool]) -> bool | str:
    """Tell whether any object of the kind is an application's; a text says why that is not known.

    Raises:
        ClusterUnreachable, TooSlow: no answer.
    """
    query = {"limit": str(client.settings.list_page)}
    while True:
        reply = await client.request("GET", collection_path(resource), query=query, accept=METADATA.format("List"))
        if reply.code == GONE:  # slower than the server forgets: begin anew at the next survey
            return "its list expired before it was read"
        if not reply.ok:
            return f"{reply.message} ({reply.code})"
        items = reply.body.get("items")
        if any(is_tracked(_typed(item, resource)) for item in _items(items)):
            return True
        more = (reply.body.get("metadata") or {}).get("continue")
        if not more:
            return False
        query = {**query, "continue": str(more)}


def _items(found: Any) -> list[Mapping[str, Any]]:
    items = found if isinstance(found, list) else ()
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]


def _typed(item: Mapping[str, Any], resource: ApiResource) -> Manifest:
    return {**item, "apiVersion": resource.gvk.api_version, "kind": resource.gvk.kind}

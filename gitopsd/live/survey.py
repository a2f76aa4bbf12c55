"""Finds tracked objects of kinds that are not watched, by lists of metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.tracking import ARGOCD_TRACKING_ID, TRACKING_ID
from gitopsd.kube.client import Client
from gitopsd.kube.paths import collection_path
from gitopsd.live.watch import METADATA
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GroupKind

# There are many, they are short-lived, and nobody writes them in Git.
NEVER = frozenset({GroupKind("", "Event"), GroupKind("events.k8s.io", "Event")})
GONE = 410


def surveyed(resource: ApiResource) -> bool:
    """Tell whether a kind is looked through: it can be listed and watched, at the version the cluster prefers."""
    return resource.preferred and resource.verbs >= {"list", "watch"} and resource.gvk.group_kind not in NEVER


async def has_tracked(client: Client, resource: ApiResource) -> bool | str:
    """Tell whether any object of the kind carries a tracking id; a text says why that is not known.

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
        if any(map(_is_tracked, items if isinstance(items, list) else ())):
            return True
        more = (reply.body.get("metadata") or {}).get("continue")
        if not more:
            return False
        query = {**query, "continue": str(more)}


def _is_tracked(item: Any) -> bool:
    meta = item.get("metadata") if isinstance(item, Mapping) else None
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    return isinstance(annotations, dict) and (TRACKING_ID in annotations or ARGOCD_TRACKING_ID in annotations)

"""Finds tracked objects, and what grew of them, of kinds that are not watched, by lists of metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import collection_path
from gitopsd.live.fair_slots import FairSlots
from gitopsd.live.watch import METADATA
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GroupKind, Manifest

# There are many, they are short-lived, and nobody writes them in Git.
NEVER = frozenset({GroupKind("", "Event"), GroupKind("events.k8s.io", "Event")})
# Whoever owns them: there are as many as Pods, or they are written all the time, and they tell of no application.
CROWDS = frozenset(
    {
        GroupKind("cilium.io", "CiliumEndpoint"),
        GroupKind("coordination.k8s.io", "Lease"),
        GroupKind("discovery.k8s.io", "EndpointSlice"),
    }
)
REPORTS = frozenset({"aquasecurity.github.io", "openreports.io", "reports.kyverno.io", "wgpolicyk8s.io"})  # groups
NOT_FOUND, GONE = 404, 410


def surveyed(resource: ApiResource) -> bool:
    """Tell whether a kind is looked through: it can be listed and watched, at the version the cluster prefers."""
    return resource.preferred and resource.verbs >= {"list", "watch"} and resource.gvk.group_kind not in NEVER


def belongs_to_trees(resource: ApiResource) -> bool:
    """Tell whether objects of a kind are followed because what an application has owns them."""
    return resource.gvk.group_kind not in CROWDS and resource.gvk.group not in REPORTS


async def has_any(
    client: KubeClient,
    resource: ApiResource,
    is_wanted: Callable[[Manifest], bool],
    namespaces: Iterable[str],
    lists: FairSlots,
) -> bool | str:
    """Tell whether `is_wanted` tells so of the metadata of any object of the kind; a text says why that is not known.

    Args:
        client: of the cluster.
        resource: the kind.
        wanted: is told metadata, with the kind's own type.
        namespaces: that are looked through, "" for all at once.
        lists: the turns at reading lists.

    Raises:
        ClusterUnreachable, TooSlow: no answer.
    """

    def found(items: Any) -> bool:
        return any(is_wanted(_typed(item, resource)) for item in _items(items))

    answers = [await _has_any(client, collection_path(resource, namespace), found, lists) for namespace in namespaces]
    return True in answers or next((answer for answer in answers if answer), False)


async def _has_any(client: KubeClient, path: str, matches: Callable[[Any], bool], lists: FairSlots) -> bool | str:
    query = {"limit": str(client.settings.list_page)}
    while True:
        async with lists.turn() as turn:
            reply = await client.request("GET", path, query=query, accept=METADATA.format("List"), pace=turn.go_on)
            if reply.code == GONE:  # slower than the server forgets: begin anew at the next survey
                return "its list expired before it was read"
            if reply.code == NOT_FOUND:  # the kind went, and its objects with it
                return False
            if not reply.ok:
                return f"{reply.message} ({reply.code})"
            if matches(reply.body.get("items")):
                return True
            more = (reply.body.get("metadata") or {}).get("continue")
        if not more:
            return False
        query = {**query, "continue": str(more)}


def _items(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]


def _typed(item: Mapping[str, Any], resource: ApiResource) -> Manifest:
    return {**item, "apiVersion": resource.gvk.api_version, "kind": resource.gvk.kind}

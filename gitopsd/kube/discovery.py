"""What one group at one version serves, as its own discovery document tells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import group_version_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK


async def ask_for(client: KubeClient, gvk: GVK) -> ApiResource | None:
    """Ask the server afresh how it serves `gvk`; None where it does not.

    Raises:
        ClusterUnreachable, TooSlow: no answer.
    """
    reply = await client.request("GET", group_version_path(gvk))
    resources = served(gvk.group, gvk.version, reply.body, preferred=True) if reply.ok else ()
    return next((resource for resource in resources if resource.gvk == gvk), None)


def served(group: str, version: str, document: Any, *, preferred: bool) -> Iterator[ApiResource]:
    """Give the resources of an APIResourceList; subresources and what is malformed are left out."""
    for item in _items(document, "resources"):
        name, kind = item.get("name"), item.get("kind")
        if isinstance(name, str) and isinstance(kind, str) and "/" not in name:
            resource = ApiResource(
                GVK(group, version, kind), name, bool(item.get("namespaced")), _verbs(item.get("verbs")), preferred
            )
            yield _shared(resource)


@lru_cache(maxsize=4096)
def _shared(resource: ApiResource) -> ApiResource:
    """Return one and the same value for equal ones: the clusters of a fleet serve much the same, and each holds it."""
    return resource


def _items(document: Any, name: str) -> Collection[Mapping[str, Any]]:
    items = document.get(name) if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else ()


def _verbs(value: Any) -> frozenset[str]:
    return frozenset(verb for verb in value if isinstance(verb, str)) if isinstance(value, list) else frozenset()

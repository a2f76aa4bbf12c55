"""Targets and live objects, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.cluster import LiveObject, PodFacts
from gitopsd.model.comparison import Found
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ResourceVersion, TrackingId, Uid, ViewHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey

SHOP = AppName("shop")
HEALTHY = Health(HealthStatus.HEALTHY)


def config_key(name: str = "x", kind: str = "ConfigMap") -> ResourceKey:
    return ResourceKey("", kind, "prod", name)


def manifest_of(key: ResourceKey, **fields: Any) -> Manifest:
    """Return a target of `key`; `annotations` go where they belong."""
    meta: dict[str, Any] = {"name": key.name, "annotations": fields.pop("annotations", {})}
    if key.namespace:
        meta["namespace"] = key.namespace
    api_version = f"{key.group}/v1" if key.group else "v1"
    return {"apiVersion": api_version, "kind": key.kind, "metadata": meta, **fields}


def live_of(key: ResourceKey, **fields: Any) -> LiveObject:
    """Return a live object of the application `shop`, healthy and ours, but for `fields`."""
    defaults: dict[str, Any] = {
        "key": key,
        "uid": Uid(f"uid-{key.name}"),
        "resource_version": ResourceVersion("7"),
        "owners": (),
        "controlled": False,
        "tracking": TrackingId(SHOP, key),
        "by_argocd": False,
        "argocd_wrote_s": None,
        "takeover": False,
        "view": ViewHash("view"),
        "deleting": False,
        "established": True,
        "health": None,
        "created_s": 0.0,
    }
    return LiveObject(**{**defaults, **fields})


def found(key: ResourceKey, **fields: Any) -> Found:
    return Found(live_of(key, **fields))


def pod_node(name: str, parents: Sequence[TreeNode] = ()) -> TreeNode:
    """Return a running Pod of the namespace `shop` in a tree, below `parents`."""
    live = live_of(ResourceKey("", "Pod", "shop", name), uid=name, pod=PodFacts(("nginx:1",), "", 0, 1, 1))
    return TreeNode(GVK("", "v1", "Pod"), live, None, tuple((node.gvk, node.live) for node in parents))

"""Objects of the application `shop`, and rights to them."""

from __future__ import annotations

from typing import Any

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.usecases.tree_objects import ObjectName
from tests.core.lives import live_of

SHOP = AppName("shop")
GET = ("ann", "applications", "get", "retail/*")
DEPLOYMENT = ObjectName("Deployment", "web", "shop", "apps")


def node(key: ResourceKey, *parents: TreeNode, **fields: Any) -> TreeNode:
    live = live_of(key, **{"uid": Uid(f"{key.kind}-{key.namespace}-{key.name}"), **fields})
    return TreeNode(GVK(key.group, "v1", key.kind), live, None, tuple((each.gvk, each.live) for each in parents))


def may(action: str) -> tuple[str, str, str, str]:
    return ("ann", "applications", action, "retail/shop")

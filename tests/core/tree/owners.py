"""What tests of owners and their neighbours share."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.core.tree.owners import Child, TreeNode, tree
from gitopsd.model.cluster import LiveObject
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import GVK, ResourceKey
from tests.core.lives import live_of

DEGRADED = Health(HealthStatus.DEGRADED, "it crashes")


def thing(name: str, *owners: str, kind: str = "Pod", namespace: str = "prod", uid: str | None = None) -> LiveObject:
    named = Uid(name if uid is None else uid)
    return live_of(ResourceKey("", kind, namespace, name), uid=named, owners=owners, health=DEGRADED)


def nodes(roots: Iterable[LiveObject], *others: LiveObject) -> dict[str, TreeNode]:
    """Return the tree of `roots` in a cluster that holds `others` too; the names of its nodes are in order."""
    roots = list(roots)

    def children(uid: Uid) -> list[Child]:
        return [(gvk_of(live), live) for live in (*roots, *others) if uid in live.owners]

    return {node.live.key.name: node for node in tree([(gvk_of(live), live, None) for live in roots], children)}


def gvk_of(live: LiveObject) -> GVK:
    return GVK(live.key.group, "v1", live.key.kind)

"""The resource tree of an application: its objects, and what controllers made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gitopsd.core.compare.pairing import owns
from gitopsd.model.cluster import LiveObject
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK

MOST_NODES = 50_000  # of one tree; what is deeper is left out

Child = tuple[GVK, LiveObject]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One live object of a tree."""

    gvk: GVK
    live: LiveObject
    health: Health | None
    parents: tuple[Child, ...] = ()  # those of its owners that are in the tree


def tree(
    roots: Iterable[tuple[GVK, LiveObject, Health | None]],
    children: Callable[[Uid], Iterable[Child]],
    claimed: Callable[[LiveObject], Iterable[Child]] = lambda _: (),
) -> tuple[TreeNode, ...]:
    """Return the objects of an application and all that they own, owners before what they own, each once.

    Args:
        roots: the application's own objects, each with the health that its comparison tells.
        children: the objects that name a uid among their owners.
        claimed: the PersistentVolumeClaims of a StatefulSet that name no owner.

    Kubernetes knows no owner in another namespace; an object that names one is not its child. Owners in a circle are
    each in the tree once.
    """
    nodes: dict[Uid, TreeNode] = {}
    unnamed: list[TreeNode] = []  # without a uid they can own nothing, and are not the same
    for gvk, live, health in roots:
        if live.uid:
            nodes[live.uid] = TreeNode(gvk, live, health)
        else:
            unnamed.append(TreeNode(gvk, live, health))
    waiting = deque(nodes)
    while waiting and len(nodes) < MOST_NODES:
        parent = nodes[waiting.popleft()]
        for gvk, live in (*children(parent.live.uid), *claimed(parent.live)):
            if not live.uid or parent.live.key.namespace not in ("", live.key.namespace):
                continue
            if live.uid not in nodes:
                waiting.append(live.uid)
            node = nodes.get(live.uid) or TreeNode(gvk, live, live.health)
            nodes[live.uid] = TreeNode(node.gvk, node.live, node.health, (*node.parents, (parent.gvk, parent.live)))
    return (*nodes.values(), *unnamed)


def owned(nodes: Sequence[TreeNode], app: AppName) -> Sequence[TreeNode]:
    """Return the nodes of a tree that are of `app` itself, and what those own; to be in Git makes no object its.

    What another application says to be its own, is that one's, whoever owns it.
    """
    ours = {node.live.uid for node in nodes if owns(app, node.live)} - {Uid("")}
    waiting = [node for node in nodes if node.live.uid not in ours and not _is_claimed(node.live)]
    while more := {node.live.uid for node in waiting if any(parent.uid in ours for _, parent in node.parents)} - ours:
        ours |= more
    return [node for node in nodes if node.live.uid in ours]


def _is_claimed(live: LiveObject) -> bool:
    return live.tracking is not None and owns(live.tracking.app, live)

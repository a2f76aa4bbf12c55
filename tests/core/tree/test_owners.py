"""The resource tree: owners before what they own, each once, and no nonsense from odd owners."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.core.tree.owners import TreeNode, owned, tree
from gitopsd.model.ids import AppName, TrackingId, Uid
from gitopsd.model.manifest import ResourceKey
from tests.core.lives import live_of
from tests.core.tree.owners import DEGRADED, gvk_of, nodes, thing


def parents(node: TreeNode) -> list[str]:
    return [live.key.name for _, live in node.parents]


def test_everything_below_a_root_is_in_its_tree() -> None:
    found = nodes([thing("web"), thing("job")], thing("rs", "web"), thing("pod", "rs"), thing("other", "nobody"))

    assert ["web", "job", "rs", "pod"] == list(found)
    assert [[], ["web"], ["rs"]] == [parents(found[name]) for name in ("web", "rs", "pod")]


def test_root_has_the_health_of_its_comparison_and_the_rest_their_own() -> None:
    found = nodes([thing("web")], thing("pod", "web"))

    assert (None, DEGRADED) == (found["web"].health, found["pod"].health)


def test_object_of_several_owners_is_there_once_with_each() -> None:
    found = nodes([thing("a"), thing("b")], thing("pod", "a", "b"))

    assert ["a", "b", "pod"] == list(found)
    assert ["a", "b"] == parents(found["pod"])


def test_root_that_another_root_owns_is_there_once() -> None:
    found = nodes([thing("a"), thing("b", "a")])

    assert ["a", "b"] == list(found)
    assert ["a"] == parents(found["b"])


def test_owners_in_a_circle_end() -> None:
    found = nodes([thing("a", "c")], thing("b", "a"), thing("c", "b"), thing("self", "self", "a"))

    assert {"a", "b", "c", "self"} == found.keys()
    assert ["c"] == parents(found["a"])
    assert {"self", "a"} == set(parents(found["self"]))


def test_child_in_another_namespace_is_none_unless_its_owner_has_no_namespace() -> None:
    cluster_wide = thing("node", namespace="")

    found = nodes([thing("a"), cluster_wide], thing("stray", "a", namespace="kube-system"), thing("pod", "node"))

    assert ["a", "node", "pod"] == list(found)


def test_claims_of_a_stateful_set_are_below_it_though_they_name_no_owner() -> None:
    db, claim = thing("db", kind="StatefulSet"), thing("data-db-0", kind="PersistentVolumeClaim")

    found = tree([(gvk_of(db), db, None)], lambda _: (), lambda live: [(gvk_of(claim), claim)] if live is db else [])

    assert ["db", "data-db-0"] == [node.live.key.name for node in found]
    assert ["db"] == parents(found[1])


def test_objects_without_a_uid_are_shown_and_own_nothing() -> None:
    found = nodes([thing("a", uid=""), thing("b", uid="")], thing("c", ""), thing("d", "", uid=""))

    assert ["a", "b"] == list(found)


def node_of(name: str, *parents: TreeNode, app: str = "") -> TreeNode:
    key = ResourceKey("", "Pod", "prod", name)
    tracking = TrackingId(AppName(app), key) if app else None
    live = live_of(key, uid=Uid(name), tracking=tracking)
    return TreeNode(gvk_of(live), live, None, tuple((parent.gvk, parent.live) for parent in parents))


def test_what_is_an_applications_own_does_not_hang_on_the_order_of_the_tree() -> None:
    """A child of two owners is met below the one that is not the application's first."""
    foreign, ours = node_of("a", app="bank"), node_of("b", app="shop")
    child = node_of("p", foreign, ours)
    grandchild, theirs, claimed = node_of("q", child), node_of("r", foreign), node_of("s", ours, app="bank")

    assert [grandchild, child, ours] == owned([foreign, grandchild, child, theirs, ours, claimed], AppName("shop"))
    assert [] == owned([node_of("x"), replace(ours, live=replace(ours.live, uid=Uid("")))], AppName("shop"))

"""All manifests of one application become its target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.target import Target, target_of
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK, ResourceKey
from tests.core.frozen import frozen

SHOP = AppName("shop")


def config(name: str, data: Any = None, **annotations: Any) -> Any:
    meta = {"name": name, "annotations": annotations}
    return frozen({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {}})


def key(name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", "prod", name)


def target(*manifests: Any, scope: Any = lambda _: True) -> Target:
    return target_of(SHOP, "prod", manifests, scope)


@given(order=st.permutations(["a", "b", "c", "d"]))
def test_target_is_the_same_in_whatever_order_it_was_rendered(order: list[str]) -> None:
    assert target(*map(config, "abcd")) == target(*map(config, order))


def test_last_of_two_counts_and_a_warning_tells() -> None:
    found = target(config("a", {"x": "1"}), config("a", {"x": "2"}))

    assert {"x": "2"} == found.objects[key("a")]["data"]
    assert ["RepeatedResourceWarning"] == [condition.type for condition in found.conditions]


def test_object_named_with_and_without_the_destinations_namespace_is_one() -> None:
    named = frozen({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "prod"}})

    assert [key("a")] == list(target(config("a"), named).objects)


@pytest.mark.parametrize(
    ("annotation", "warnings"),
    [
        ({"argocd.argoproj.io/hook": "PreSync"}, 0),
        ({"argocd.argoproj.io/hook": "PreSink"}, 1),
        ({"argocd.argoproj.io/hook": "PreSync,SyncFailed"}, 1),
        ({"argocd.argoproj.io/hook": "Skip"}, 0),
        ({"helm.sh/hook": "pre-install,post-install"}, 0),
        ({"helm.sh/hook": "test"}, 0),
        ({"helm.sh/hook": "pre-delete,pre-install"}, 0),
    ],
)
def test_hooks_are_held_but_not_applied(annotation: dict[str, str], warnings: int) -> None:
    found = target(config("a", **annotation), config("b"))

    assert [key("b")] == list(found.objects)
    assert {key("a")} == found.held
    assert warnings == len(found.conditions)


def test_object_that_is_also_rendered_as_a_hook_is_an_object() -> None:
    found = target(config("a", **{"argocd.argoproj.io/hook": "PreSync"}), config("a"))

    assert ([key("a")], frozenset()) == (list(found.objects), found.held)


def test_option_of_an_object_that_has_no_effect_is_reported() -> None:
    found = target(config("a", **{"argocd.argoproj.io/sync-options": "Prune=false,Replace=perhaps,Prunes=no"}))

    assert ["SyncOptionWarning"] * 2 == [condition.type for condition in found.conditions]


def test_helms_crd_install_is_an_ordinary_object() -> None:
    assert [key("a")] == list(target(config("a", **{"helm.sh/hook": "crd-install"})).objects)


def test_definition_beside_its_resource_tells_the_scope() -> None:
    definition = frozen(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "roads.example.org"},
            "spec": {"group": "example.org", "names": {"kind": "Road"}, "scope": "Cluster"},
        }
    )
    road = frozen({"apiVersion": "example.org/v1", "kind": "Road", "metadata": {"name": "a5"}})

    def scope(gvk: GVK) -> bool | None:
        return None if gvk.kind == "Road" else False

    assert ResourceKey("example.org", "Road", "", "a5") in target(road, definition, scope=scope).objects


@pytest.mark.parametrize("wave", ["one", " 1", "1_0", "٣", "99999999999999999999", ""])
def test_wave_that_is_no_number_is_refused(wave: str) -> None:
    with pytest.raises(InvalidManifest, match="sync-wave"):
        target(config("a", **{"argocd.argoproj.io/sync-wave": wave}))


def test_a_changed_value_changes_the_hash() -> None:
    assert target(config("a", {"x": "1"})).hash != target(config("a", {"x": "2"})).hash

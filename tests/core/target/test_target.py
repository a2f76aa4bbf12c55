"""All manifests of one application become its target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.target.target import Target, target_of, unreadable
from gitopsd.errors import InvalidManifest
from gitopsd.model.comparison import Absent, Reading, Unreadable
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
    assert "/ConfigMap:prod/a is rendered 2 times; the last one counts" == found.conditions[0].message


def test_hook_that_is_there_twice_is_told_of_and_so_is_one_that_is_an_object_too() -> None:
    hook = {"argocd.argoproj.io/hook": "PreSync"}

    twice = target(config("a", **hook), config("a", **hook), config("a", **hook)).conditions
    both = target(config("a", **hook), config("a")).conditions

    assert ["/ConfigMap:prod/a is rendered 3 times; the last one counts"] == [each.message for each in twice]
    assert ["is applied, and not run as a hook" in each.message for each in both] == [True]


def test_very_many_repeated_objects_make_few_conditions() -> None:
    found = target(*(config(f"a{place}") for place in range(30)), *(config(f"a{place}") for place in range(30)))

    assert 10 == len(found.conditions)
    assert "21 more objects are rendered more than once" == found.conditions[-1].message


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
        ({"argocd.argoproj.io/hook": ""}, 1),
        ({"helm.sh/hook": ""}, 1),
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


@pytest.mark.parametrize("namespace", ["prod", ""])
def test_object_whose_scope_cannot_be_read_may_have_either_key(namespace: str) -> None:
    road = frozen({"apiVersion": "example.org/v1", "kind": "Road", "metadata": {"name": "a5"}})

    found = target_of(SHOP, namespace, [road], lambda _: Unreadable("example.org is down"))

    keys = {ResourceKey("example.org", "Road", each, "a5") for each in {namespace, ""}}
    assert [ResourceKey("example.org", "Road", namespace, "a5")] == list(found.objects)
    assert keys == found.unplaced == found.objects.keys() | found.held


def test_kinds_that_cannot_be_read_are_told_with_their_reasons_and_pending_ones_are_not() -> None:
    found = target(config("a"), config("b"), config("c"), config("d"))
    readings: dict[ResourceKey, Reading] = {
        key("a"): Unreadable("403"),
        key("b"): Unreadable("403"),
        key("c"): Unreadable("under way", pending=True),
        key("d"): Absent(),
    }

    (told,) = unreadable(found, readings)
    assert ("UnreadableWarning", "v1/ConfigMap: 2 objects are Unknown: 403") == (told.type, told.message)


@pytest.mark.parametrize("wave", ["one", " 1", "1_0", "٣", "99999999999999999999", ""])
def test_wave_that_is_no_number_is_refused(wave: str) -> None:
    with pytest.raises(InvalidManifest, match="sync-wave"):
        target(config("a", **{"argocd.argoproj.io/sync-wave": wave}))


def test_a_changed_value_changes_the_hash() -> None:
    assert target(config("a", {"x": "1"})).hash != target(config("a", {"x": "2"})).hash


@pytest.mark.parametrize(
    ("api_version", "kind", "field"),
    [("batch/v1", "Job", "ttlSecondsAfterFinished"), ("argoproj.io/v1alpha1", "Workflow", "ttlStrategy")],
)
def test_object_that_deletes_itself_is_told_of_with_what_to_do(api_version: str, kind: str, field: str) -> None:
    made = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "once"}, "spec": {field: 0}}
    hook = {**made, "metadata": {"name": "hook", "annotations": {"argocd.argoproj.io/hook": "Sync"}}}
    (condition,) = target_of(SHOP, "prod", [made, hook], lambda _: True).conditions

    assert "ShortLivedWarning" == condition.type
    assert f"{kind}:prod/once: spec.{field} deletes it when it is over" in condition.message
    assert "argocd.argoproj.io/hook: Sync" in (condition.remedy or "")

"""Owned views see every change of what is ours and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gitopsd.core.objects.managed_fields import (
    entries_of,
    newest_s,
    owned_view,
    view_hash,
)
from tests.core.objects.managed_fields import FIELDS, entry, live

Change = Callable[[dict[str, Any]], object]


def web(manifest: dict[str, Any]) -> dict[str, Any]:
    return next(item for item in manifest["spec"]["containers"] if item["name"] == "web")


OURS: dict[str, Change] = {
    "a value": lambda m: m["metadata"]["labels"].update(app="other"),
    "a removed field": lambda m: m["metadata"]["labels"].pop("app"),
    "an owned field that was absent": lambda m: m["spec"].update(paused=True),
    "an owned field that became null": lambda m: m["spec"].update(paused=None),
    "a value in an atomic map": lambda m: m["spec"]["selector"]["matchLabels"].update(tier="x"),
    "a value in a list item": lambda m: web(m).update(image="web:2"),
    "an atomic list appended to": lambda m: web(m)["args"].append("c"),
    "an atomic list reordered": lambda m: web(m)["args"].reverse(),
    "owned list items reordered": lambda m: web(m)["ports"].reverse(),
    "an owned list item removed": lambda m: web(m)["ports"].pop(),
    "an owned list removed": lambda m: web(m).pop("ports"),
    "a list that became a map": lambda m: m["spec"].update(containers={"web": {"image": "web:1"}}),
    "a map that became a text": lambda m: m.update(spec="none"),
    "a set's item removed": lambda m: m["metadata"]["finalizers"].remove("example.com/keep"),
    "an indexed item": lambda m: m["spec"]["steps"].reverse(),
    "the extent of ownership": lambda m: m["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"].pop("f:paused"),
    "the version of the entry": lambda m: m["metadata"]["managedFields"][0].update(apiVersion="apps/v2"),
}

THEIRS: dict[str, Change] = {
    "a label": lambda m: m["metadata"]["labels"].update(extra="y"),
    "replicas": lambda m: m["spec"].update(replicas=9),
    "a sidecar": lambda m: m["spec"]["containers"].append({"name": "late", "image": "late:1"}),
    "their container": lambda m: m["spec"]["containers"][1].update(image="proxy:2"),
    "their field in our container": lambda m: web(m).update(imagePullPolicy="Always"),
    "a port appended": lambda m: web(m)["ports"].append({"containerPort": 81, "protocol": "TCP"}),
    "their item in a set": lambda m: m["metadata"]["finalizers"].remove("other.example.com/x"),
    "their indexed item": lambda m: m["spec"]["steps"][1].update(run="three"),
    "status": lambda m: m.update(status={"replicas": 3}),
    "resourceVersion": lambda m: m["metadata"].update(resourceVersion="8"),
    "the time of our entry": lambda m: m["metadata"]["managedFields"][0].update(time="2026-01-01T00:00:00Z"),
    "another manager's entry": lambda m: m["metadata"]["managedFields"].append(entry({"f:spec": {}}, "hpa", "Update")),
}


@pytest.mark.parametrize("name", OURS)
def test_a_change_of_what_we_own_changes_the_hash(name: str) -> None:
    before, after = live(), live()
    after = copy.deepcopy(after)
    OURS[name](after)

    assert view_hash(after) != view_hash(before)


@pytest.mark.parametrize("name", THEIRS)
def test_a_change_of_what_others_own_leaves_the_hash(name: str) -> None:
    after = copy.deepcopy(live())
    THEIRS[name](after)

    assert view_hash(live()) == view_hash(after)


def test_an_object_without_our_apply_entry_has_no_view() -> None:
    assert view_hash({"metadata": {}}) is None
    assert view_hash(live(entry(FIELDS, operation="Update"))) is None
    assert view_hash(live(entry(FIELDS, manager="kubectl"))) is None
    assert view_hash(live(entry(FIELDS, subresource="status"))) is None


def test_absent_null_and_empty_are_three_views() -> None:
    fields: dict[str, Any] = {"f:a": {}}
    views = [owned_view(fields, {}), owned_view(fields, {"a": None}), owned_view(fields, {"a": {}})]

    assert 3 == len({repr(view) for view in views})


def test_a_list_item_key_that_no_item_answers_to_makes_every_change_in_the_list_count() -> None:
    fields: dict[str, Any] = {"f:ports": {'k:{"port":1}': {"f:port": {}}, "k:not json": {"f:port": {}}}}

    assert owned_view(fields, {"ports": [{"port": 1}, {"port": 2, "x": 1}]}) != owned_view(
        fields, {"ports": [{"port": 1}, {"port": 2, "x": 2}]}
    )


def test_a_key_field_that_is_absent_in_the_item_answers_to_null() -> None:
    fields: dict[str, Any] = {"f:ports": {'k:{"port":1,"protocol":null}': {"f:port": {}, "f:note": {}}}}

    assert {"f:ports": ["list", [['k:{"port":1,"protocol":null}', {"f:port": 1}]]]} == owned_view(
        fields, {"ports": [{"port": 1}, {"port": 2}]}
    )


@pytest.mark.parametrize("fields", [None, 5, {"f:spec": 5}, {"f:spec": {"f:x": []}}])
def test_managed_fields_that_cannot_be_read_make_every_version_another_view(fields: Any) -> None:
    before, after = live(entry(fields)), live(entry(fields))
    after["metadata"]["resourceVersion"] = "8"

    assert view_hash(before) != view_hash(after)


def test_an_entry_at_another_version_than_the_object_makes_every_version_another_view() -> None:
    before, after = live(entry({}, apiVersion="apps/v1beta1")), live(entry({}, apiVersion="apps/v1beta1"))
    after["metadata"]["resourceVersion"] = "8"

    assert view_hash(before) != view_hash(after)


@pytest.mark.parametrize("garbage", [None, "text", [None, 5, "x"], {"manager": "gitopsd"}])
def test_managed_fields_of_a_wrong_shape_are_no_entries(garbage: Any) -> None:
    manifest = {"apiVersion": "v1", "metadata": {"managedFields": garbage}}

    assert view_hash(manifest) is None
    assert [] == list(entries_of(manifest))
    assert newest_s(manifest, "argocd-controller") is None


def test_newest_time_is_of_the_named_manager_alone() -> None:
    manifest = live(
        entry({}, "argocd-controller", "Update", time="2026-01-01T00:00:00Z"),
        entry({}, "argocd-controller", "Apply", time="2026-01-01T00:01:00Z"),
        entry({}, "argocd-controller", "Apply", time="garbage"),
        entry({}, "later", "Apply", time="2027-01-01T00:00:00Z"),
    )

    assert 1767225660.0 == newest_s(manifest, "argocd-controller")

"""What is in the way is what the refusal names and Git does not set, and never another manager's."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.ownership.causes import parts_of, without_nulls
from gitopsd.core.ownership.obstacles import claimed, cleared, obstacles
from gitopsd.model.comparison import Item
from tests.core.frozen import frozen

A, B = Item((("name", "a"),)), Item((("name", "b"),))


def entry(fields: Any, manager: str = "gitopsd", operation: str = "Apply", **more: Any) -> Any:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def live(spec: Any, *entries: Any) -> Any:
    meta = {"name": "x", "resourceVersion": "1", "managedFields": list(entries)}
    return frozen({"apiVersion": "v1", "kind": "Any", "metadata": meta, "spec": spec})


def target(spec: Any) -> Any:
    return frozen({"apiVersion": "v1", "kind": "Any", "metadata": {"name": "x"}, "spec": spec})


UNION = {"how": {"type": "One", "two": {"n": 1}}, "other": 1}
LIST = {"items": [{"name": "b", "v": 1}, {"name": "a", "w": 2}]}


@pytest.mark.parametrize(
    ("wanted", "found", "field", "free"),
    [
        ({"how": {"type": "One"}}, UNION, "spec.how.two", [("spec", "how", "two")]),
        ({"how": {"type": "One"}}, UNION, "spec.how.two.n", [("spec", "how", "two")]),
        ({"how": {"type": "One"}}, UNION, "spec.how.type", [("spec", "how", "two")]),
        ({"how": {"type": "One"}}, UNION, "spec.how.three", []),
        ({"other": 2}, UNION, "spec.other", []),
        ({"other": 2}, UNION, "metadata.labels[x]", []),
        ({"items": [{"name": "a"}]}, LIST, "spec.items[0].v", [("spec", "items", B)]),
        ({"items": [{"name": "a"}]}, LIST, "spec.items[1].w", [("spec", "items", A, "w")]),
        ({"items": [{"name": "a", "v": 3}]}, LIST, "spec.items[1].v", [("spec", "items", A, "w")]),
        ({"items": [{"name": "c", "v": 1}]}, LIST, "spec.items[2].v", [("spec", "items", B)]),
        ({"items": [{"name": "a"}]}, LIST, "spec.items[7].w", []),
        ({"items": [{"name": "a"}]}, LIST, "", []),
    ],
)
def test_what_the_refusal_names_and_git_does_not_set_is_in_the_way(
    wanted: Any, found: Any, field: str, free: Any
) -> None:
    assert tuple(free) == obstacles(target(wanted), live(found), [field]).free


@pytest.mark.parametrize(
    ("owner", "held"),
    [
        ({}, []),
        ({"operation": "Apply"}, ["other"]),
        ({"subresource": "scale"}, ["other"]),
        ({"apiVersion": "v0"}, ["other"]),
    ],
)
def test_what_another_manager_applied_is_held_and_what_it_wrote_once_is_not(owner: Any, held: list[str]) -> None:
    theirs = entry({"f:spec": {"f:how": {"f:two": {"f:n": {}}}}}, "other", **{"operation": "Update", **owner})

    found = obstacles(target({"how": {"type": "One"}}), live(UNION, theirs), ["spec.how.two"])

    assert held == [each.manager for each in found.held]
    assert bool(found.free) is not bool(held)
    assert [".spec.how.two"] * len(held) == [each.path for each in found.held]


def test_what_was_ours_and_git_dropped_goes_by_itself() -> None:
    ours = entry({"f:spec": {"f:items": {'k:{"name":"b"}': {".": {}, "f:name": {}, "f:v": {}}}}})

    found = cleared(target({"items": [{"name": "a"}]}), live(LIST, ours), ())

    assert [{"name": "a", "w": 2}] == found["spec"]["items"]


def test_a_map_that_is_owned_whole_is_as_git_says() -> None:
    theirs = entry({"f:spec": {"f:how": {}}}, "other", "Update")

    assert {"type": "Two"} == cleared(target({"how": {"type": "Two"}}), live(UNION, theirs), ())["spec"]["how"]


def test_what_is_claimed_is_ours_alone() -> None:
    ours = entry({"f:spec": {"f:other": {}}}, time="2026-01-01T00:00:00Z")
    theirs = entry(
        {"f:spec": {"f:items": {'k:{"name":"b"}': {".": {}, "f:v": {}}, 'k:{"name":"a"}': {}}}}, "hand", "Update"
    )
    gone = entry({"f:spec": {"f:how": {"f:two": {"f:n": {}}}}}, "gone", "Update")
    here = live({**LIST, **UNION}, ours, theirs, gone)

    found = claimed(here, [("spec", "items", B), ("spec", "how", "two")])

    assert (
        {**ours, "fieldsV1": {"f:spec": {"f:other": {}, "f:items": {'k:{"name":"b"}': {}}, "f:how": {"f:two": {}}}}},
        {**theirs, "fieldsV1": {"f:spec": {"f:items": {'k:{"name":"a"}': {}}}}},
    ) == found


def test_fields_of_causes_are_read_with_places_and_keys() -> None:
    assert ("spec", "ports", 0, "name") == parts_of("spec.ports[0].name")
    assert ("data", "a.b") == parts_of("data[a.b]")


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        (["spec.a"], {"b": None, "items": [{"v": None}, {"v": 1}]}),
        (["spec.items[5].v"], {"a": None, "b": None, "items": [{}, {"v": 1}]}),
        (["spec.x", "metadata.name", "spec.items[0]"], None),
    ],
)
def test_only_nulls_that_are_named_are_left_out(fields: list[str], left: Any) -> None:
    manifest = target({"a": None, "b": None, "items": [{"v": None}, {"v": 1}]})

    found = without_nulls(manifest, fields)

    assert found is manifest if left is None else left == found["spec"]

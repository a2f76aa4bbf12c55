"""What is ignored of an object is written as it is live."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.ignore_rules import NO_RULES, ExpressionPaths, Rules
from gitopsd.core.compare.respect_ignored import spared
from gitopsd.core.target.tracking import track, tracking_of
from gitopsd.model.manifest import key_of
from tests.core.frozen import frozen
from tests.core.lives import SHOP, config_key, manifest_of

LIVE = {"spec": {"replicas": 5, "list": [{"a": 1}, {"a": 9}], "extra": True}}


@pytest.mark.parametrize(
    ("target", "pointer", "expected"),
    [
        ({"spec": {"replicas": 2}}, ("spec", "replicas"), {"spec": {"replicas": 5}}),
        ({"spec": {"gone": 2, "kept": 1}}, ("spec", "gone"), {"spec": {"kept": 1}}),
        ({"spec": {}}, ("spec", "extra"), {"spec": {}}),
        ({}, ("spec", "extra"), {}),
        (
            {"spec": {"list": [{"a": 1}, {"a": 2}]}},
            ("spec", "list", "1", "a"),
            {"spec": {"list": [{"a": 1}, {"a": 9}]}},
        ),
        ({"spec": {"list": [1, 2, 3]}}, ("spec", "list", "2"), {"spec": {"list": [1, 2]}}),
        ({"spec": {"list": [1]}}, ("spec", "list", "7"), {"spec": {"list": [1]}}),
        ({"spec": 5}, ("spec", "replicas"), {"spec": 5}),
    ],
)
def test_ignored_path_is_as_it_is_live(target: Any, pointer: tuple[str, ...], expected: Any) -> None:
    meta: Any = {"metadata": {"name": "web"}}

    assert {**expected, **meta} == spared(frozen({**target, **meta}), Rules((pointer,)), frozen(LIVE))


def entry(fields: Any) -> Any:
    return {"manager": "gitopsd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}


def live(containers: Any, fields: Any) -> Any:
    return frozen({"metadata": {"managedFields": [entry(fields)]}, "spec": {"containers": containers}})


WEB, PROXY = {"name": "web", "image": "web:1"}, {"name": "proxy", "image": "proxy:9"}


def test_item_of_a_list_is_that_of_the_same_name_wherever_it_is() -> None:
    target = frozen({"metadata": {}, "spec": {"containers": [{"name": "web", "image": "web:2"}]}})
    places = ExpressionPaths(
        predicted=(("spec", "containers", "0", "image"),), live=(("spec", "containers", "1", "image"),)
    )

    found = spared(target, Rules(expressions=("x",)), live([PROXY, WEB], {}), places)

    assert [WEB] == found["spec"]["containers"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"f:spec": {"f:containers": {'k:{"name":"proxy"}': {".": {}}}}}, [WEB, PROXY]),
        ({}, [WEB]),  # an injector's: it stays where it is without us
    ],
)
def test_ignored_item_that_git_does_not_hold_is_kept_where_only_we_own_it(fields: Any, expected: Any) -> None:
    target = frozen({"metadata": {}, "spec": {"containers": [WEB]}})
    places = ExpressionPaths(live=(("spec", "containers", "1"),))

    assert expected == spared(target, NO_RULES, live([WEB, PROXY], fields), places)["spec"]["containers"]


def test_ignored_field_that_git_stopped_to_set_is_kept_with_its_parents() -> None:
    found = frozen({"metadata": {"managedFields": [entry({"f:spec": {"f:a": {"f:b": {}}}})]}, "spec": {"a": {"b": 1}}})

    assert {"metadata": {}, "spec": {"a": {"b": 1}}} == spared(
        frozen({"metadata": {}}), Rules((("spec", "a", "b"),)), found
    )


@pytest.mark.parametrize("pointer", [("metadata",), ("kind",), ("apiVersion",), ("metadata", "annotations")])
def test_rule_however_wide_leaves_an_object_what_it_is_and_ours(pointer: tuple[str, ...]) -> None:
    key = config_key()
    target = track(manifest_of(key), SHOP)
    theirs = {**manifest_of(key), "kind": "Other", "apiVersion": "v2"}
    theirs["metadata"] = {**theirs["metadata"], "name": "y", "uid": "u", "resourceVersion": "7", "managedFields": []}

    found = spared(frozen(target), Rules((pointer,)), frozen(theirs))

    assert (key, SHOP) == (key_of(found), tracking_of(found)[0].app)  # type: ignore[union-attr]
    assert not {"uid", "resourceVersion", "managedFields"} & found["metadata"].keys()

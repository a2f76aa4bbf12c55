"""What ignoreDifferences leaves out of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.ignore_rules import NO_RULES, Rules, rules_for, rules_warnings, without_ignored
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.manifest import Manifest, ResourceKey
from tests.core.frozen import frozen

WEB = ResourceKey("apps", "Deployment", "prod", "web")


def test_rules_of_one_object_are_those_that_name_it() -> None:
    declared = [
        IgnoreDifference("apps", "Deployment", json_pointers=("/spec/replicas",)),
        IgnoreDifference("*", "*", json_pointers=("/metadata/labels/a~1b~0c",), managed_fields_managers=("hpa",)),
        IgnoreDifference("apps", "Deployment", name="other", json_pointers=("/other",)),
        IgnoreDifference("apps", "Deployment", namespace="test", json_pointers=("/test",)),
        IgnoreDifference("", "Deployment", json_pointers=("/core",)),
    ]

    assert Rules((("metadata", "labels", "a/b~c"), ("spec", "replicas")), ("hpa",)) == rules_for(declared, WEB)


def test_rules_hash_is_the_same_whatever_their_order() -> None:
    one = IgnoreDifference("apps", "Deployment", json_pointers=("/a", "/b"))
    other = IgnoreDifference("apps", "Deployment", json_pointers=("/b", "/a"))

    assert rules_for([one], WEB).hash == rules_for([other], WEB).hash != ""
    assert "" == NO_RULES.hash


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (("spec", "replicas"), {"spec": {"items": [1, 2, 3]}}),
        (("spec", "items", "1"), {"spec": {"replicas": 2, "items": [1, 3]}}),
        (("spec", "items", "7"), {"spec": {"replicas": 2, "items": [1, 2, 3]}}),
        (("spec", "items", "x"), {"spec": {"replicas": 2, "items": [1, 2, 3]}}),
        (("spec", "replicas", "deeper"), {"spec": {"replicas": 2, "items": [1, 2, 3]}}),
        (("spec",), {}),
    ],
)
def test_pointer_takes_one_value_out(pointer: tuple[str, ...], expected: Any) -> None:
    given = frozen({"spec": {"replicas": 2, "items": [1, 2, 3]}})

    assert expected == without_ignored(given, Rules((pointer,)), given)


def test_several_places_of_one_list_mean_the_list_as_it_was() -> None:
    given = frozen({"items": ["a", "b", "c"]})

    assert {"items": ["c"]} == without_ignored(given, Rules((("items", "0"), ("items", "1"))), given)


def owned(manager: str, fields: Any) -> Manifest:
    entry = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    return {"metadata": {"managedFields": [entry]}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"f:a": {}}, {"l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"]}),
        ({"f:l": {'k:{"name":"x"}': {"f:v": {}}}}, {"a": 1, "l": [{"name": "x"}, {"name": "y"}], "s": ["p", "q"]}),
        (
            {"f:l": {'k:{"name":"x"}': {".": {}, "f:name": {}, "f:v": {}}}},
            {"a": 1, "l": [{"name": "y"}], "s": ["p", "q"]},
        ),
        ({"f:s": {'v:"p"': {}}}, {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["q"]}),
        ({"f:s": {"i:0": {}, "k:broken": {}}}, {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["q"]}),
        ({"f:l": {}, "f:s": {}, "f:none": {}}, {"a": 1}),
    ],
)
def test_fields_of_a_manager_are_taken_out(fields: Any, expected: Any) -> None:
    given = frozen({"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"]})

    assert expected == without_ignored(given, Rules(managers=("hpa",)), owned("hpa", fields))
    assert given == without_ignored(given, Rules(managers=("other",)), owned("hpa", fields))


@pytest.mark.parametrize("fields", [None, 5, "x", [1], {"f:a": 5}])
def test_managed_fields_of_odd_shape_ignore_nothing(fields: Any) -> None:
    assert {"a": 1} == without_ignored({"a": 1}, Rules(managers=("hpa",)), owned("hpa", fields))


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        (".spec.a[] | . as {n: $n} | select($n == 1)", 1),
        (".spec as [$first] | .status", 1),
        (".spec.a[] as\n{$n} | .x", 1),
        (".spec as $s | .spec.a", 0),
        ('.metadata.annotations["as {x}"]', 0),
        (".spec # as [$x]", 0),
        (".has [0]", 0),
    ],
)
def test_jq_that_takes_values_apart_is_reported(expression: str, count: int) -> None:
    told = rules_warnings([IgnoreDifference("apps", "Deployment", jq_path_expressions=(expression,))])

    assert count == len(told)


def test_rule_without_effect_is_reported() -> None:
    declared = [IgnoreDifference("apps", "Deployment", json_pointers=("spec", ""), jq_path_expressions=(".spec",))]

    assert 2 == len(rules_warnings(declared))


def test_tenth_item_of_a_list_goes_before_the_second() -> None:
    given = frozen({"items": list(range(12))})
    pointers = tuple(("items", place) for place in ("0", "10", "11", "2"))

    assert {"items": [1, 3, 4, 5, 6, 7, 8, 9]} == without_ignored(given, Rules(pointers), given)


def test_what_expressions_name_is_taken_out_of_its_side_alone() -> None:
    given = frozen({"spec": {"replicas": 2, "items": [1, 2]}})
    rules = Rules((("spec", "replicas"),), expressions=(".spec.items[] | select(. == 2)",))

    assert {"spec": {"items": [1]}} == without_ignored(given, rules, given, [("spec", "items", "1")])
    assert {"spec": {"items": [1, 2]}} == without_ignored(given, rules, given)


def test_expressions_are_part_of_the_rules() -> None:
    declared = [IgnoreDifference("apps", "Deployment", jq_path_expressions=(".b", ".a"))]

    found = rules_for(declared, WEB)

    assert Rules(expressions=(".a", ".b")) == found
    assert found
    assert found.hash not in ("", Rules(expressions=(".a",)).hash)


@pytest.mark.parametrize(
    ("name", "namespace", "fits"),
    [("we*", "", True), ("*", "pro?", True), ("{api,web}", "prod", True), ("wa*", "", False), ("", "dev-*", False)],
)
def test_name_and_namespace_may_be_globs(name: str, namespace: str, fits: bool) -> None:  # noqa: FBT001 - a column
    rule = IgnoreDifference("", "ConfigMap", name=name, namespace=namespace, json_pointers=("/data",))

    assert fits is bool(rules_for([rule], ResourceKey("", "ConfigMap", "prod", "web")))

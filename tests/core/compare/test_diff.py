"""Differences as a person reads them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.compare import prediction
from gitopsd.core.compare.diff import ABSENT_TEXT, MAX_DIFFERENCES
from gitopsd.core.objects.mask import masked
from gitopsd.model.comparison import Difference


def differences(predicted: Any, live: Any) -> tuple[Difference, ...]:
    hidden_predicted, hidden_live = masked(predicted, live)
    found = prediction.differences(hidden_predicted, hidden_live, prediction.Cause({}, hidden_live, unchanged=False))
    return tuple(Difference(each.path, each.live, each.predicted) for each in found)


def containers(*items: Any) -> Any:
    return {"spec": {"containers": list(items)}}


def test_list_items_are_named_by_their_key() -> None:
    live = containers({"name": "web", "image": "a:1"}, {"name": "log", "image": "b:1"})
    predicted = containers({"name": "web", "image": "a:2"}, {"name": "log", "image": "b:1"})

    assert (Difference(".spec.containers[name=web].image", "a:1", "a:2"),) == differences(predicted, live)


def test_reordered_list_differs_by_its_order() -> None:
    one, two = {"name": "a"}, {"name": "b"}

    (found,) = differences(containers(one, two), containers(two, one))

    assert ".spec.containers (order)" == found.path
    assert (["name=b", "name=a"], ["name=a", "name=b"]) == (found.live, found.predicted)


def test_list_of_plain_values_goes_by_place() -> None:
    assert (Difference(".args[1]", "b", "c"), Difference(".args[2]", ABSENT_TEXT, "d")) == differences(
        {"args": ["a", "c", "d"]}, {"args": ["a", "b"]}
    )


def test_items_with_repeated_names_go_by_place() -> None:
    one = {"env": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}
    other = {"env": [{"name": "a", "value": "1"}, {"name": "a", "value": "3"}]}

    assert (Difference(".env[1].value", "3", "2"),) == differences(one, other)


def test_absent_is_not_null() -> None:
    assert (Difference(".a", ABSENT_TEXT, None),) == differences({"a": None}, {})


def test_key_that_is_no_identifier_is_quoted() -> None:
    (found,) = differences({"metadata": {"annotations": {"a.b/c": "1"}}}, {"metadata": {"annotations": {}}})

    assert '.metadata.annotations["a.b/c"]' == found.path


def test_secret_is_masked() -> None:
    meta = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}

    (found,) = differences({**meta, "data": {"a": "bmV3"}}, {**meta, "data": {"a": "b2xk"}})

    assert ".data.a" == found.path
    assert {"+"} == set(found.live) | set(found.predicted)
    assert found.live != found.predicted


def test_number_of_differences_is_bounded() -> None:
    found = differences({str(i): 1 for i in range(1000)}, {})

    assert MAX_DIFFERENCES == len(found)
    assert "…" == found[-1].path


def test_size_of_values_is_bounded_and_the_difference_stays_in_sight() -> None:
    (text,) = differences({"a": "x" * 50_000 + "new" + "y" * 50_000}, {"a": "x" * 50_000 + "old" + "y" * 50_000})
    (tree,) = differences({"a": {str(i): "x" for i in range(1000)}}, {"a": 1})

    assert "new" in text.predicted
    assert "old" in text.live
    assert 5000 > len(orjson.dumps([text.predicted, text.live]))
    assert tree.predicted.startswith("(an object of ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=10,
)


@given(one=JSON, other=JSON)
def test_there_are_differences_exactly_where_values_differ(one: Any, other: Any) -> None:
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)

    assert same == (() == differences({"x": one}, {"x": other}))


@pytest.mark.parametrize("depth", [99, 150, 240])
def test_deep_values_are_compared_whole(depth: int) -> None:
    one: Any = 1
    other: Any = 2
    for _ in range(depth):
        one, other = {"a": one}, {"a": other}

    assert 1 == len(differences(one, other))

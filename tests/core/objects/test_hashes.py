"""Equal values have equal hashes, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.objects.hashes import digest, object_hash, target_hash
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import ResourceKey

ONE, TWO = ResourceKey("", "ConfigMap", "a", "one"), ResourceKey("", "ConfigMap", "a", "two")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(value=st.dictionaries(st.text(st.characters(codec="utf-8")), JSON))
def test_order_of_fields_does_not_matter(value: dict[str, Any]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_hash_is_of_128_bits_and_the_same_in_every_release() -> None:
    assert "71d77e187866a1e5be66e2a9a48c2ea3" == digest({"b": None, "a": [1, "é"]})


def test_null_is_not_like_absent() -> None:
    assert digest({"a": None}) != digest({})


def test_order_of_objects_does_not_matter() -> None:
    a, b = TargetHash("a"), TargetHash("b")

    assert target_hash({ONE: a, TWO: b}) == target_hash({TWO: b, ONE: a})
    assert target_hash({ONE: a, TWO: b}) != target_hash({ONE: b, TWO: a})


@pytest.mark.parametrize("value", [2**70, "\ud800", object()])
def test_what_json_cannot_hold_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidManifest, match="ConfigMap 'x'"):
        object_hash({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": value}})


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]

    with pytest.raises(InvalidManifest):
        object_hash({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": deep})

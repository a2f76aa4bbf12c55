"""`--set`, beside Helm's own parser."""

from __future__ import annotations

import importlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.manifests.strvals import NotSettable, set_into

WORDS = st.sampled_from(
    [
        *"abc=.,[]{}\\0",
        "a",
        "b",
        "[0]",
        "[2]",
        "[-1]",
        "=1",
        "=true",
        "=Null",
        "=x y",
        "={1,b}",
        "={}",
        "=",
        "é",
        "=-07",
    ]
)


def helms(text: str) -> dict[str, Any] | None:
    """Return what Helm makes of `text`; None where it refuses it."""
    native, errors = importlib.import_module("helm_python._native"), importlib.import_module("helm_python.errors")
    try:
        found: dict[str, Any] = orjson.loads(native.call_string("helm_strvals_parse", text))
    except errors.HelmError:
        return None
    return found


def ours(text: str) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    try:
        set_into(values, text)
    except NotSettable:
        return None
    return values


NAMES = st.lists(st.sampled_from(["a", "b", "c.d", "a[0]", "b[1].c", "c[0][1]", "d\\.e"]), min_size=1, max_size=3).map(
    ".".join
)
VALUES = st.sampled_from(["", "1", "x y", "true", "NULL", "{1,b}", "{}", "012", "-07", "0", "é", "a\\,b", "a=b", "{a"])


@given(st.lists(WORDS, max_size=9).map("".join))
def test_any_text_means_what_it_means_to_helm_or_is_refused(text: str) -> None:
    assert ours(text) in (None, helms(text))


@given(st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=4).map(",".join))
def test_what_is_well_formed_means_what_it_means_to_helm(text: str) -> None:
    assert helms(text) == ours(text)


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ({"a": {"b": 1}}, "a.c=2", {"a": {"b": 1, "c": 2}}),
        ({"a": [{"b": 1}, 2]}, "a[0].c=x", {"a": [{"b": 1, "c": "x"}, 2]}),
        ({"a": [1]}, "a[2]=3", {"a": [1, None, 3]}),
        ({"a": 1}, "a=null", {"a": None}),
        ({}, r"a\.b/c=d\,e", {"a.b/c": "d,e"}),
        ({}, "a={1,x,true}", {"a": [1, "x", True]}),
        ({}, "a=9223372036854775808", {"a": "9223372036854775808"}),
        ({}, "a=012", {"a": "012"}),
    ],
)
def test_what_is_there_is_changed(before: dict[str, Any], text: str, expected: dict[str, Any]) -> None:
    set_into(before, text)
    assert expected == before


@pytest.mark.parametrize("text", ["a", "a[", "a[x]=1", "a[99999999]=1", "a={1", "a.b.c", "a[0]x=1", "b.c=1", "b[0]=1"])
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(NotSettable):
        set_into({"b": "text"}, text)

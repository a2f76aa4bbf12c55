from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.objects.patches import MOST_OPERATIONS, json_patched, merge_patch_between, merge_patched
from gitopsd.errors import BadRequest
from tests.core.frozen import frozen

APP: dict[str, Any] = {
    "metadata": {"labels": {"team": "shop"}},
    "spec": {"sources": [{"path": "a"}, {"path": "b"}], "project": "x"},
}

LEAVES = st.booleans() | st.integers(0, 1) | st.sampled_from(["", "a"])  # a null is what no merge patch can set
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"spec": {"project": "y"}}, {**APP, "spec": {**APP["spec"], "project": "y"}}),
        ({"metadata": {"labels": None}}, {**APP, "metadata": {}}),
        ({"spec": {"sources": [{"path": "c"}]}}, {**APP, "spec": {"sources": [{"path": "c"}], "project": "x"}}),
        ({"status": {"a": {"b": None, "c": 1}}}, {**APP, "status": {"a": {"c": 1}}}),
        ({}, APP),
    ],
)
def test_merge_patch_is_as_rfc_7386_has_it(patch: Any, expected: Any) -> None:
    assert expected == merge_patched(frozen(APP), frozen(patch))


def test_json_patch_is_as_rfc_6902_has_it() -> None:
    patch = [
        {"op": "test", "path": "/spec/project", "value": "x"},
        {"op": "replace", "path": "/spec/project", "value": "y"},
        {"op": "add", "path": "/spec/sources/-", "value": {"path": "c"}},
        {"op": "remove", "path": "/metadata/labels/team"},
    ]

    assert {
        "metadata": {"labels": {}},
        "spec": {"sources": [{"path": "a"}, {"path": "b"}, {"path": "c"}], "project": "y"},
    } == json_patched(APP, patch)
    assert {"team": "shop"} == APP["metadata"]["labels"]


@pytest.mark.parametrize(
    "patch",
    [
        {},
        "text",
        [1],
        [{"op": "add"}],
        [{"op": "add", "path": "spec", "value": 1}],
        [{"op": "add", "path": "/spec/sources/9", "value": 1}],
        [{"op": "add", "path": "/spec/sources/x", "value": 1}],
        [{"op": "add", "path": "/spec/nothing/below", "value": 1}],
        [{"op": "add", "path": "/spec"}],
        [{"op": "remove", "path": "/nothing"}],
        [{"op": "replace", "path": "/spec/project/x", "value": 1}],
        [{"op": "test", "path": "/spec/project", "value": "y"}],
        [{"op": "copy", "from": "/spec", "path": "/spec/spec"}],
        [{"op": "move", "from": "/spec", "path": "/spec/spec"}],
        [{"op": "test", "path": "", "value": APP}] * (MOST_OPERATIONS + 1),
    ],
)
def test_what_is_no_patch_or_does_not_fit_is_the_clients_error(patch: Any) -> None:
    with pytest.raises(BadRequest):
        json_patched(APP, patch)


@pytest.mark.parametrize("patch", [[], "text", None, 1])
def test_what_is_no_merge_patch_is_the_clients_error(patch: Any) -> None:
    with pytest.raises(BadRequest):
        merge_patched(APP, patch)


@given(DOCUMENTS, DOCUMENTS)
def test_patch_between_two_documents_makes_the_second_of_the_first(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = merge_patch_between(old, new)

    assert json.dumps(new, sort_keys=True) == json.dumps(merge_patched(old, patch), sort_keys=True)
    assert {} == merge_patch_between(new, new)

"""What is ignored of an object is written as it is live."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.ignore import Rules
from gitopsd.core.spare import spared
from tests.core.frozen import frozen

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
    assert expected == spared(frozen(target), Rules((pointer,)), frozen(LIVE))

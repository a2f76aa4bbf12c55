"""Objects that are not one application's alone are told of, shortly."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.shared_resources import shared_conditions
from gitopsd.model.comparison import Absent
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import ResourceKey
from tests.core.lives import SHOP, config_key, found

X = config_key("x")
OTHER, STRANGER = AppName("other"), AppName("stranger")


def told(*keys: ResourceKey, others: Any = None, **readings: Any) -> list[str]:
    live = {config_key(name): reading for name, reading in readings.items()}
    conditions = shared_conditions(SHOP, keys, live, others or {}, lambda app: app in (SHOP, OTHER))
    assert {"SharedResourceWarning"} >= {condition.type for condition in conditions}
    return [condition.message for condition in conditions]


def test_object_that_others_want_is_told_of() -> None:
    (message,) = told(X, others={X: frozenset({OTHER})}, x=found(X))

    assert message.endswith("application other wants it too: remove it from all but one")


@pytest.mark.parametrize(
    ("tracking", "fields", "words"),
    [
        (TrackingId(SHOP, X), {}, ""),
        (None, {}, ""),
        (None, {"installation": "two"}, "of the installation two"),
        (TrackingId(OTHER, X), {}, ""),  # it moves: that one wants it no more
        (TrackingId(STRANGER, config_key("copied")), {}, ""),
        (TrackingId(STRANGER, X), {}, " application stranger, which is not declared here, has it"),
        (TrackingId(STRANGER, X), {"by_argocd": True}, "Argo CD's application stranger, which"),
    ],
)
@pytest.mark.words
def test_object_that_somebody_else_has_is_told_of(tracking: Any, fields: Any, words: str) -> None:
    messages = told(X, x=found(X, tracking=tracking, **fields))

    assert bool(words) is bool(messages)
    assert words in "".join(messages)


def test_object_that_is_not_there_is_nobodys() -> None:
    assert [] == told(X, x=Absent())
    assert [] == told(X)


def test_very_many_make_few_conditions() -> None:
    keys = [config_key(f"x{place}") for place in range(30)]

    messages = told(*keys, others={key: frozenset({OTHER}) for key in keys})

    assert 10 == len(messages)
    assert "21 more objects are shared" == messages[-1]

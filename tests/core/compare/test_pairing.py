"""Which live object belongs to which target."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.compare.pairing import pairs
from gitopsd.model.comparison import Absent, Pair, Unreadable
from gitopsd.model.ids import AppName, TrackingId
from tests.core.lives import SHOP, config_key, found, manifest_of

ONE, TWO = config_key("one"), config_key("two")


def test_both_sides_are_matched_by_key_in_order() -> None:
    target = {TWO: manifest_of(TWO)}

    expected = (Pair(ONE, None, found(ONE)), Pair(TWO, target[TWO], Absent()))

    assert expected == pairs(SHOP, target, {TWO: Absent(), ONE: found(ONE)})


def test_object_nobody_looked_for_is_not_absent() -> None:
    (pair,) = pairs(SHOP, {ONE: manifest_of(ONE)}, {})

    assert isinstance(pair.live, Unreadable)
    assert pair.live.pending


@pytest.mark.parametrize(
    "fields",
    [
        {"tracking": None},
        {"tracking": TrackingId(AppName("other"), ONE)},
        {"tracking": TrackingId(SHOP, TWO)},
        {"controlled": True},
        {"marks": (("argocd.argoproj.io/hook", "PreSync"),)},
        {"marks": (("helm.sh/hook", "pre-install"),)},
    ],
    ids=["untracked", "another application's", "copied tracking id", "controlled", "hook", "Helm hook"],
)
def test_live_object_that_is_not_the_applications_own_is_left_out(fields: Any) -> None:
    assert () == pairs(SHOP, {}, {ONE: found(ONE, **fields)})


def test_object_git_holds_but_does_not_apply_is_left_out() -> None:
    assert () == pairs(SHOP, {}, {ONE: found(ONE)}, held={ONE})


@pytest.mark.parametrize("reading", [Absent(), Unreadable("403")])
def test_what_is_in_neither_is_left_out(reading: Any) -> None:
    assert () == pairs(SHOP, {}, {ONE: reading})

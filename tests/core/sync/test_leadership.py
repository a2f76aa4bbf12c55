"""Who may write himself into a lease, and when."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.sync.leadership import Sighting, contender, may_take, released, sighted, taken


def lease(holder: str = "other", renewed: str = "t1", duration: Any = 60) -> dict[str, Any]:
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": duration}
    return {"metadata": {"name": "gitopsd", "resourceVersion": "7"}, "spec": spec}


def test_lease_that_does_not_change_is_as_old_as_it_was_first_seen() -> None:
    first = sighted(None, lease(), 100.0)

    assert Sighting("other", "t1", 100.0) == sighted(first, lease(), 150.0)
    assert Sighting("other", "t2", 150.0) == sighted(first, lease(renewed="t2"), 150.0)


@pytest.mark.parametrize(
    ("found", "now_s", "expected"),
    [
        (lease("me"), 100.0, True),
        (lease(""), 100.0, True),
        (lease("other"), 159.0, False),
        (lease("other"), 160.0, True),
        ({"metadata": {}}, 100.0, True),
    ],
)
def test_lease_is_taken_where_it_is_ours_nobodys_or_was_not_renewed(
    found: dict[str, Any],
    now_s: float,
    expected: bool,  # noqa: FBT001 - a case
) -> None:
    assert expected is may_take(sighted(None, found, 100.0), found, "me", now_s)


def test_taking_a_lease_counts_the_change_and_renewing_it_does_not() -> None:
    once = taken(lease("other"), "me", 60, 1000.0)
    twice = taken(once, "me", 60, 1010.0)

    assert ("me", 1, 1, "1970-01-01T00:16:40.000000Z") == (
        once["spec"]["holderIdentity"],
        once["spec"]["leaseTransitions"],
        twice["spec"]["leaseTransitions"],
        twice["spec"]["acquireTime"],
    )
    assert "7" == twice["metadata"]["resourceVersion"]
    assert "" == released(twice)["spec"]["holderIdentity"]


def test_contender_is_who_says_so() -> None:
    assert "" == contender(lease())
    assert "b at t" == contender({"metadata": {"annotations": {"gitopsd.io/contender": "b at t"}}})

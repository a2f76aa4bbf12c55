"""Sync windows: whom they concern, and what they forbid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsd.core.sync.decide import SyncSituation, request_refused, sync_due
from gitopsd.core.sync.healing import Pacing
from gitopsd.core.sync.windows import WindowSubject, blocked, is_zone, windows_of
from gitopsd.model.application import Mode
from gitopsd.model.ids import AppName, TargetHash
from gitopsd.model.operation import SyncRequest
from gitopsd.model.project import SyncWindow
from tests.core.apps import application
from tests.core.sync.decide import DRIFT

PLACE = WindowSubject(AppName("shop"), ("c1", "https://c1.example.org"), "prod")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NIGHT, NOON = at("2026-11-23T23:00"), at("2026-11-23T12:00")


def window(kind: str, schedule: str = "0 22 * * *", **fields: Any) -> SyncWindow:
    return SyncWindow(kind, schedule, 8 * 3600.0, **{"applications": ("*",), **fields})


ALLOW, DENY = window("allow"), window("deny")


@pytest.mark.parametrize(
    ("fields", "concerns"),
    [
        ({"applications": ("sh*",)}, True),
        ({"applications": ("web",)}, False),
        ({"applications": ("web",), "namespaces": ("prod",)}, True),
        ({"applications": ("web",), "namespaces": ("prod",), "all_of": True}, False),
        ({"applications": ("shop",), "namespaces": ("pr?d",), "all_of": True}, True),
        ({"applications": (), "clusters": ("c1",)}, True),
        ({"applications": (), "clusters": ("https://c1*",)}, True),
        ({"applications": (), "clusters": ("c2",)}, False),
        ({"applications": ()}, False),
    ],
)
def test_window_concerns_whom_its_lists_match(fields: Any, concerns: bool) -> None:  # noqa: FBT001 - a case
    assert concerns is bool(windows_of([window("deny", **fields)], PLACE))


@pytest.mark.parametrize(
    ("windows", "now_s", "says"),
    [
        ((), NOON, None),
        ((ALLOW,), NIGHT, None),
        ((ALLOW,), NOON, "no sync window is open"),
        ((DENY,), NIGHT, "denies it"),
        ((DENY,), NOON, None),
        ((ALLOW, DENY), NIGHT, "denies it"),
        ((ALLOW, DENY), NOON, "no sync window is open"),
        ((ALLOW, window("allow", "0 10 * * *")), NOON, None),
    ],
)
def test_window_forbids_syncs(windows: Any, now_s: float, says: str | None) -> None:
    found = blocked(windows, now_s)

    assert (found is None) if says is None else (found is not None and says in found.reason)


@pytest.mark.parametrize(
    ("windows", "now_s", "allowed"),
    [
        ((window("allow", manual=True),), NOON, True),
        ((ALLOW,), NOON, False),
        ((window("deny", manual=True),), NIGHT, True),
        ((DENY,), NIGHT, False),
        ((window("deny", manual=True), DENY), NIGHT, False),
        ((ALLOW, window("deny", manual=True)), NOON, False),
    ],
)
def test_person_may_sync_where_every_window_in_the_way_says_so(windows: Any, now_s: float, allowed: bool) -> None:  # noqa: FBT001 - a case
    assert allowed is (blocked(windows, now_s, manual=True) is None)


@pytest.mark.parametrize(
    ("windows", "begun_s", "now_s", "goes_on"),
    [
        ((window("allow", overrun=True),), at("2026-11-24T05:59"), at("2026-11-24T06:01"), True),
        ((ALLOW,), at("2026-11-24T05:59"), at("2026-11-24T06:01"), False),
        ((window("allow", overrun=True),), at("2026-11-23T12:00"), at("2026-11-23T13:00"), False),
        ((window("deny", overrun=True),), at("2026-11-23T21:59"), at("2026-11-23T22:01"), True),
        ((DENY,), at("2026-11-23T21:59"), at("2026-11-23T22:01"), False),
    ],
)
def test_running_sync_may_finish_where_the_window_says_so(
    windows: Any,
    begun_s: float,
    now_s: float,
    goes_on: bool,  # noqa: FBT001 - a case
) -> None:
    assert goes_on is (blocked(windows, now_s, begun_s=begun_s) is None)


@pytest.mark.parametrize(
    ("now", "after_s"), [("2026-11-23T21:30", 1800.0), ("2026-11-23T12:00", 3600.0), ("2026-11-23T21:59:59.9", 1.0)]
)
def test_it_is_looked_at_again_when_the_window_opens(now: str, after_s: float) -> None:
    found = blocked((ALLOW,), at(now))

    assert found is not None
    assert pytest.approx(after_s) == found.again_after_s


def test_window_that_is_open_is_looked_at_again_when_it_closes() -> None:
    found = blocked((DENY,), at("2026-11-24T05:50"))

    assert found is not None
    assert 600.0 == found.again_after_s


def test_what_a_window_forbids_is_not_due_and_says_why() -> None:
    shut = blocked((window("deny", description="freeze"),), NIGHT)
    now = SyncSituation(Mode.ENFORCE, DRIFT, TargetHash("new"), blocked=shut)

    due = sync_due(application(), now, NIGHT, Pacing())

    assert (False, 3600.0) == (due.sync, due.again_after_s)
    assert "a sync window of the project denies it: deny '0 22 * * *' for 8 h, UTC (freeze)" == due.reason


def test_request_is_refused_with_the_window_but_a_dry_run_is_not() -> None:
    shut = blocked((DENY,), NIGHT, manual=True)

    assert "denies it" in request_refused(SyncRequest(), Mode.ENFORCE, shut)
    assert "" == request_refused(SyncRequest(dry_run=True), Mode.ENFORCE, shut)


@pytest.mark.parametrize(
    ("name", "known"), [("Europe/Berlin", True), ("UTC", True), ("Mars/Base", False), ("", False), ("../etc", False)]
)
def test_time_zones_are_those_the_machine_knows(name: str, known: bool) -> None:  # noqa: FBT001 - a case
    assert known is is_zone(name)

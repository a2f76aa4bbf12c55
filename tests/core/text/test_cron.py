"""When a schedule fires."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.text.cron import FAR_DAYS, Cron, last_fired_s, next_fire_s, parse_cron

ZONE = ZoneInfo("UTC")
DAY_S = 86_400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def cron(text: str) -> Cron:
    found = parse_cron(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "2026-11-23T10:31"),
        ("*/15 * * * *", "2026-11-23T10:45"),
        ("5/20 * * * *", "2026-11-23T10:45"),
        ("0 22 * * *", "2026-11-23T22:00"),
        ("0 8 * * *", "2026-11-24T08:00"),
        ("0 9-17/4 * * *", "2026-11-23T13:00"),
        ("30 10 * * *", "2026-11-24T10:30"),
        ("0 0 * * 0", "2026-11-29T00:00"),
        ("0 0 * * 7", "2026-11-29T00:00"),
        ("0 0 * * SUN", "2026-11-29T00:00"),
        ("0 0 * * fri-sat", "2026-11-27T00:00"),
        ("0 0 1 * *", "2026-12-01T00:00"),
        ("0 0 1 jan ?", "2027-01-01T00:00"),
        ("0 0 1,25 * *", "2026-11-25T00:00"),
        ("0 0 1 * TUE", "2026-11-24T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("@hourly", "2026-11-23T11:00"),
        ("@Daily", "2026-11-24T00:00"),
        ("@weekly", "2026-11-29T00:00"),
        ("@monthly", "2026-12-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
    ],
)
def test_next_time_of_a_schedule(text: str, expected: str) -> None:
    assert at(expected) == next_fire_s(cron(text), ZONE, at("2026-11-23T10:30"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "*-5 * * * *",
        "1,,2 * * * *",
        "* * * mon *",
        "@every 5m",
        "@never",
        "٣ * * * *",
        "*" * 2000,
    ],
)
def test_what_is_no_schedule_is_told(text: str) -> None:
    assert parse_cron(text) is None


def test_day_that_never_comes_is_never() -> None:
    assert next_fire_s(cron("0 0 31 2 *"), ZONE, at("2026-01-01")) is None


@pytest.mark.parametrize(
    ("now", "fired"),
    [
        ("2026-11-23T22:00", "2026-11-23T22:00"),
        ("2026-11-24T05:59", "2026-11-23T22:00"),
        ("2026-11-24T06:00", None),
        ("2026-11-23T21:59", None),
    ],
)
def test_last_time_counts_for_so_long(now: str, fired: str | None) -> None:
    expected = None if fired is None else at(fired)

    assert expected == last_fired_s(cron("0 22 * * *"), ZONE, at(now), 8 * 3600.0)


class Looks(frozenset[int]):
    """Days of a month, and how often somebody asked for one."""

    count = 0

    def __contains__(self, day: object) -> bool:
        Looks.count += 1
        return super().__contains__(day)


def test_last_time_is_looked_for_no_further_back_than_it_can_be() -> None:
    Looks.count, century_s = 0, 100 * 366 * 86_400.0
    leap_day, never = cron("0 0 29 2 *"), cron("0 0 31 2 *")

    assert at("2024-02-29") == last_fired_s(leap_day, ZONE, at("2028-02-28"), century_s)
    assert last_fired_s(replace(never, days=Looks(never.days)), ZONE, at("2028-02-28"), century_s) is None
    assert Looks.count <= FAR_DAYS


def test_times_are_those_of_the_zone_whatever_the_season() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert at("2026-07-01T20:00") == next_fire_s(cron("0 22 * * *"), berlin, at("2026-07-01T12:00"))
    assert at("2026-12-01T21:00") == next_fire_s(cron("0 22 * * *"), berlin, at("2026-12-01T12:00"))


def test_hour_that_a_clock_change_leaves_out_is_not_lost() -> None:
    berlin = ZoneInfo("Europe/Berlin")  # 02:00 → 03:00 on 2026-03-29

    assert at("2026-03-29T01:30") == next_fire_s(cron("30 2 * * *"), berlin, at("2026-03-29T00:00"))


PARTS = st.one_of(st.just("*"), st.integers(0, 6).map(str), st.sampled_from(["1-3", "*/2", "1,4"]))


@given(fields=st.tuples(PARTS, PARTS, st.just("*"), st.just("*"), PARTS), now=st.integers(0, 4_000_000_000))
def test_last_and_next_agree(fields: tuple[str, ...], now: int) -> None:
    schedule = cron(" ".join(fields))

    following = next_fire_s(schedule, ZONE, now)

    assert following is not None
    assert following > now
    assert following == last_fired_s(schedule, ZONE, following, 1.0)
    assert last_fired_s(schedule, ZONE, following - 1, following - now - 1) is None

"""Cron schedules as Argo CD's sync windows write them: when one fired last, and when it will next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
DAY_S = 86_400.0
FAR_DAYS = 4 * 366 + 1  # a 29th of February is never further away, before or after, but for a century's
SHORTCUTS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
PART = re.compile(r"(\*|\?|[a-z0-9]{1,3})(?:-([a-z0-9]{1,3}))?(?:/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of day, and the days, at which a schedule fires."""

    times: tuple[tuple[int, int], ...]  # (hour, minute), in order
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool  # of the month
    any_weekday: bool

    def on(self, day: date) -> bool:
        """Tell whether it fires on `day`. Where both kinds of day are restricted, either will do."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = of_month and of_week if self.any_day or self.any_weekday else of_month or of_week
        return fits and day.month in self.months


def parse_cron(text: str) -> Cron | None:
    """Return the schedule that `text` writes in five fields or as `@daily` and the like; None where it is none.

    Source: the cron format of Kubernetes and Argo CD; `@every` has no fixed times, so it is none here.
    """
    if len(text) > 1000:  # noqa: PLR2004 - no schedule that means anything is longer
        return None
    fields = SHORTCUTS.get(text.strip().lower(), text).lower().split()
    if len(fields) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
        return None
    minutes, hours = _values(fields[0], 0, 59), _values(fields[1], 0, 23)
    days, months = _values(fields[2], 1, 31), _values(fields[3], 1, 12, MONTHS, 1)
    weekdays = _values(fields[4], 0, 7, DAYS)
    if not (minutes and hours and days and months and weekdays):
        return None
    times = tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
    any_day, any_weekday = (field.startswith(("*", "?")) for field in (fields[2], fields[4]))
    return Cron(times, days, months, frozenset(day % 7 for day in weekdays), any_day, any_weekday)


def last_fired_s(cron: Cron, zone: ZoneInfo, now_s: float, within_s: float) -> float | None:
    """Return the Unix time at which `cron` fired last; None where that is `within_s` or more ago."""
    today = datetime.fromtimestamp(now_s, zone).date()
    for back in range(min(int(within_s // DAY_S) + 2, FAR_DAYS)):  # a window may be said to last for centuries
        for at_s in reversed(_on(cron, zone, today - timedelta(days=back))):
            if at_s <= now_s:
                return at_s if now_s - at_s < within_s else None
    return None


def next_fire_s(cron: Cron, zone: ZoneInfo, now_s: float) -> float | None:
    """Return the Unix time at which `cron` fires next after `now_s`; None where it never does."""
    today = datetime.fromtimestamp(now_s, zone).date()
    for ahead in range(FAR_DAYS):
        for at_s in _on(cron, zone, today + timedelta(days=ahead)):
            if at_s > now_s:
                return at_s
    return None


def _on(cron: Cron, zone: ZoneInfo, day: date) -> Sequence[float]:
    """Return the times of `day` at which it fires, in order; one that a clock change leaves out is an hour later."""
    if not cron.on(day):
        return ()
    return sorted(
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp() for hour, minute in cron.times
    )


def _values(field: str, least: int, most: int, names: Sequence[str] = (), first: int = 0) -> frozenset[int]:
    """Return the values that one field allows; empty where it is not understood."""
    numbers: set[int] = set()
    for part in field.split(","):
        values = list(_range(part, least, most, {name: number + first for number, name in enumerate(names)}))
        if not values:
            return frozenset()
        numbers.update(values)
    return frozenset(numbers)


def _range(part: str, least: int, most: int, names: dict[str, int]) -> Iterator[int]:
    match = PART.fullmatch(part)
    if match is None:
        return
    start, end, step = match.groups()
    if start in ("*", "?"):
        low, high = least, most - (1 if names and least == 0 else 0)  # Sunday is 0 and 7: once will do
        if end is not None:
            return
    else:
        low = _number(start, names)
        high = _number(end, names) if end else (most if step else low)
    if least <= low <= high <= most and (step is None or int(step) > 0):
        yield from range(low, high + 1, int(step or 1))


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text) if text.isdecimal() else -1

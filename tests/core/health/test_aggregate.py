"""One health for an application."""

from __future__ import annotations

import pytest

from gitopsd.model.health import Health, HealthStatus, worst

ORDER = list(HealthStatus)


def of(*statuses: HealthStatus | None) -> HealthStatus:
    return worst(None if status is None else Health(status) for status in statuses).status


@pytest.mark.parametrize(("better", "worse"), [(a, b) for a in ORDER for b in ORDER[ORDER.index(a) :]])
def test_the_worse_one_shows(better: HealthStatus, worse: HealthStatus) -> None:
    if HealthStatus.MISSING in (better, worse):
        return
    assert worse is of(better, worse)
    assert worse is of(worse, better)


def test_nothing_at_all_is_healthy() -> None:
    assert HealthStatus.HEALTHY is of()
    assert HealthStatus.HEALTHY is of(None, None)


def test_missing_shows_only_where_all_are_missing() -> None:
    assert HealthStatus.MISSING is of(HealthStatus.MISSING, HealthStatus.MISSING)
    assert HealthStatus.HEALTHY is of(HealthStatus.MISSING, HealthStatus.HEALTHY)
    assert HealthStatus.PROGRESSING is of(HealthStatus.MISSING, HealthStatus.PROGRESSING)
    assert HealthStatus.HEALTHY is of(HealthStatus.MISSING, None)


def test_the_worst_ones_message_is_kept() -> None:
    bad = Health(HealthStatus.DEGRADED, "no")

    assert bad == worst([Health(HealthStatus.HEALTHY), bad, Health(HealthStatus.DEGRADED, "later")])

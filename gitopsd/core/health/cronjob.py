"""Health of a CronJob: how the last run went."""

from __future__ import annotations

from datetime import datetime

from gitopsd.core.health.words import degraded, healthy, progressing
from gitopsd.core.objects.fields import WrongShape, flag_at, items_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def cronjob_health(manifest: Manifest) -> Health:  # noqa: PLR0911 - a state each
    """Return the health of a CronJob: Degraded where a run failed after others had succeeded.

    That it is suspended or that a run goes on is as it should be, and would make an application that is well look
    otherwise every night.

    Source: Argo CD, issues 24428 and 24429.
    """
    if flag_at(manifest, "spec", "suspend"):
        return healthy("the CronJob is suspended")
    if manifest.get("status") is None:
        return progressing("its controller has not seen it yet")
    begun, succeeded = _time(manifest, "lastScheduleTime"), _time(manifest, "lastSuccessfulTime")
    if begun is None:
        return healthy("it has not been due yet")
    if runs := len(items_at(manifest, "status", "active")):
        return healthy(f"{runs} of its Jobs are running")
    if succeeded is None:
        return healthy("no run of it has succeeded yet")
    if succeeded < begun:
        return degraded(f"the run of {begun:%Y-%m-%dT%H:%M:%SZ} did not succeed")
    return healthy("the last run succeeded")


def _time(manifest: Manifest, name: str) -> datetime | None:
    text = text_at(manifest, "status", name)
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        moment = None
    if text and (moment is None or moment.tzinfo is None):
        raise WrongShape(f".status.{name} is no time")
    return moment

"""Health of a CronJob: how the last run went."""

from __future__ import annotations

from datetime import datetime

from gitopsd.core.fields import WrongShape, flag_at, items_at, text_at
from gitopsd.core.health.words import degraded, healthy, progressing, suspended
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def cronjob_health(manifest: Manifest) -> Health:
    """Return the health of a CronJob: Progressing while a run goes on, Degraded after one that failed.

    Source: Argo CD, docs/operator-manual/health.md, "CronJob".
    """
    if flag_at(manifest, "spec", "suspend"):
        return suspended("the CronJob is suspended")
    if runs := len(items_at(manifest, "status", "active")):
        return progressing(f"{runs} of its Jobs are running")
    begun, succeeded = _time(manifest, "lastScheduleTime"), _time(manifest, "lastSuccessfulTime")
    if begun is None:
        return healthy("it has not been due yet")
    if succeeded is None or succeeded < begun:
        return degraded(f"the run of {begun:%Y-%m-%dT%H:%M:%SZ} did not succeed")
    return healthy()


def _time(manifest: Manifest, name: str) -> datetime | None:
    text = text_at(manifest, "status", name)
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None):
        raise WrongShape(f".status.{name} is no time")
    return found

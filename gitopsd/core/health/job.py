"""Health of a Job: whether it ended, and how."""

from __future__ import annotations

from gitopsd.core.health.words import condition, degraded, healthy, progressing, suspended
from gitopsd.core.objects.fields import flag_at, number_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def job_health(manifest: Manifest) -> Health:
    """Return the health of a Job: Progressing until it failed, completed or was suspended."""
    failed, complete = condition(manifest, "Failed"), condition(manifest, "Complete")
    if failed.get("status") == "True":
        return degraded(text_at(failed, "message") or "the Job failed")
    if complete.get("status") == "True":
        return healthy(text_at(complete, "message"))
    if flag_at(manifest, "spec", "suspend") or condition(manifest, "Suspended").get("status") == "True":
        return suspended("the Job is suspended")
    return progressing(f"{number_at(manifest, 'status', 'active')} pods are running")

"""How well a live object does, in Argo CD's words."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class HealthStatus(enum.Enum):
    """Best to worst, in this order."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A health status and the reason for it in one line ("" where there is nothing to say)."""

    status: HealthStatus
    message: str = ""


SEVERITY = {status: rank for rank, status in enumerate(HealthStatus)}


def worst(healths: Iterable[Health | None]) -> Health:
    """Return the health of an application: that of its worst direct object; Healthy where none has one.

    None (it is there, and its kind has no health of its own) has no say. Missing counts only where every object is
    missing: an application that is half there does as well as that half, and OutOfSync says the rest.

    Source: Argo CD, docs/operator-manual/health.md, and its release 3.4 for Missing.
    """
    everything = list(healths)
    here = [health for health in everything if health is None or health.status is not HealthStatus.MISSING]
    judged = [health for health in here or everything if health is not None]
    # max() keeps the first of equals, so the order of the objects decides whose message is shown.
    return max(judged, key=lambda health: SEVERITY[health.status], default=Health(HealthStatus.HEALTHY))

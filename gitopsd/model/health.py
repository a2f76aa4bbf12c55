"""How well a live object does, in Argo CD's words."""

from __future__ import annotations

import enum
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

"""Short ways to say how well something does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.objects.fields import items_at, number_at
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import Manifest


def healthy(message: str = "") -> Health:
    return Health(HealthStatus.HEALTHY, message)


def progressing(message: str) -> Health:
    return Health(HealthStatus.PROGRESSING, message)


def degraded(message: str) -> Health:
    return Health(HealthStatus.DEGRADED, message)


def suspended(message: str) -> Health:
    return Health(HealthStatus.SUSPENDED, message)


def unknown(message: str) -> Health:
    return Health(HealthStatus.UNKNOWN, message)


def condition(manifest: Manifest, kind: str) -> Mapping[str, Any]:
    """Return the status condition of type `kind`; empty where there is none."""
    matches = (entry for entry in items_at(manifest, "status", "conditions") if entry.get("type") == kind)
    return next(matches, {})


def unobserved(manifest: Manifest) -> bool:
    """Tell whether the controller has not seen the object's latest spec yet, so that its status is of an older one."""
    return number_at(manifest, "metadata", "generation") > number_at(manifest, "status", "observedGeneration")

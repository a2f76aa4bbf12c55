"""Live objects with a status, and how well they do."""

from __future__ import annotations

from typing import Any

from gitopsd.core.health import health_of
from gitopsd.model.health import HealthStatus

HEALTHY, PROGRESSING, DEGRADED = HealthStatus.HEALTHY, HealthStatus.PROGRESSING, HealthStatus.DEGRADED
SUSPENDED, UNKNOWN = HealthStatus.SUSPENDED, HealthStatus.UNKNOWN


def live(kind: str, spec: Any = None, status: Any = None, **meta: Any) -> dict[str, Any]:
    """Return an object of `kind`, as in `apps/Deployment`."""
    group, _, name = kind.rpartition("/")
    version = f"{group}/v1" if group else "v1"
    return {"apiVersion": version, "kind": name, "metadata": {"name": "x", **meta}, "spec": spec, "status": status}


def status_of(manifest: dict[str, Any]) -> HealthStatus:
    """Return the status of an object that has a health."""
    found = health_of(manifest)
    assert found is not None
    return found.status

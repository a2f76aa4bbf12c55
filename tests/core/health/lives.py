"""Live objects with a status, and how well they do."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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


def conditions(*told: str) -> list[dict[str, Any]]:
    """Return conditions of texts such as `Ready=False:Failed`."""
    found = []
    for text in told:
        name, _, rest = text.partition("=")
        status, _, reason = rest.partition(":")
        found.append({"type": name, "status": status, "reason": reason})
    return found


WORDS = st.sampled_from(["Ready", "Available", "Stalled", "True", "False", "9" * 40, "1", "Failed"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
FIELDS = st.sampled_from(["type", "status", "reason", "message", "observedGeneration", "conditions"])
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4), max_leaves=12
)

"""One health for many objects."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.model.health import SEVERITY, Health, HealthStatus


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

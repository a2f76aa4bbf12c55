"""Health of a PodDisruptionBudget: whether it has as many healthy pods as it protects."""

from __future__ import annotations

from gitopsd.core.health.words import condition, degraded, healthy, progressing, unobserved
from gitopsd.core.objects.fields import number_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def budget_health(manifest: Manifest) -> Health:
    """Return the health of a PodDisruptionBudget; that it allows no disruption is its purpose, and healthy."""
    if unobserved(manifest) or not number_at(manifest, "status", "observedGeneration"):
        return progressing("the latest spec has not been observed yet")
    allowed = condition(manifest, "DisruptionAllowed")
    if allowed.get("status") == "False" and text_at(allowed, "reason") == "SyncFailed":
        return degraded(text_at(allowed, "message") or "its pods cannot be counted")
    here, desired = number_at(manifest, "status", "currentHealthy"), number_at(manifest, "status", "desiredHealthy")
    if here < desired:
        return progressing(f"{here} of {desired} pods that must be there are healthy")
    return healthy(f"{number_at(manifest, 'status', 'disruptionsAllowed')} pods may be disrupted")

"""Health of a DaemonSet: its rollout over the nodes it is scheduled to."""

from __future__ import annotations

from gitopsd.core.health.words import healthy, progressing, unobserved
from gitopsd.core.objects.fields import number_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def daemonset_health(manifest: Manifest) -> Health:
    """Return the health of a DaemonSet; with OnDelete a person replaces the pods, so nothing is waited for."""
    if unobserved(manifest):
        return progressing("the latest spec has not been observed yet")
    desired = number_at(manifest, "status", "desiredNumberScheduled")
    updated = number_at(manifest, "status", "updatedNumberScheduled")
    available = number_at(manifest, "status", "numberAvailable")
    if text_at(manifest, "spec", "updateStrategy", "type") == "OnDelete":
        return healthy(f"{updated} of {desired} pods are updated")
    if updated < desired:
        return progressing(f"{updated} of {desired} pods are updated")
    if available < desired:
        return progressing(f"{available} of {desired} pods are available")
    return healthy()

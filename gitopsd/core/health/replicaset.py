"""Health of a ReplicaSet: as many available pods as wanted."""

from __future__ import annotations

from gitopsd.core.health.words import condition, degraded, healthy, progressing, unobserved
from gitopsd.core.objects.fields import number_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def replicaset_health(manifest: Manifest) -> Health:
    """Return the health of a ReplicaSet; pods that cannot be created (a quota, a refused admission) are Degraded."""
    if unobserved(manifest):
        return progressing("the latest spec has not been observed yet")
    failure = condition(manifest, "ReplicaFailure")
    if failure.get("status") == "True":
        return degraded(text_at(failure, "message"))
    desired = number_at(manifest, "spec", "replicas", default=1)
    available = number_at(manifest, "status", "availableReplicas")
    if available < desired:
        return progressing(f"{available} of {desired} replicas are available")
    return healthy()

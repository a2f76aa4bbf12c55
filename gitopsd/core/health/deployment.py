"""Health of a Deployment: its rollout, as `kubectl rollout status` judges it."""

from __future__ import annotations

from gitopsd.core.health.words import condition, degraded, healthy, progressing, suspended, unobserved
from gitopsd.core.objects.fields import flag_at, number_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def deployment_health(manifest: Manifest) -> Health:
    """Return the health of a Deployment. Paused is Suspended; only a passed progress deadline is Degraded."""
    if flag_at(manifest, "spec", "paused"):
        return suspended("the Deployment is paused")
    if unobserved(manifest):
        return progressing("the latest spec has not been observed yet")
    if condition(manifest, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return degraded("the rollout exceeded its progress deadline")
    return _rollout(manifest)


def _rollout(manifest: Manifest) -> Health:
    desired = number_at(manifest, "spec", "replicas", default=1)
    total = number_at(manifest, "status", "replicas")
    updated = number_at(manifest, "status", "updatedReplicas")
    available = number_at(manifest, "status", "availableReplicas")
    if updated < desired:
        return progressing(f"{updated} of {desired} replicas are updated")
    if total > updated:
        return progressing(f"{total - updated} old replicas are still to end")
    if available < updated:
        return progressing(f"{available} of {updated} updated replicas are available")
    return healthy()

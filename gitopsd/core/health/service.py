"""Health of a Service: only one that waits for a load balancer can be anything but healthy."""

from __future__ import annotations

from gitopsd.core.health.words import healthy, progressing
from gitopsd.core.objects.fields import items_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def service_health(manifest: Manifest) -> Health:
    """Return the health of a Service; one of type LoadBalancer needs an address."""
    if text_at(manifest, "spec", "type") != "LoadBalancer":
        return healthy()
    addresses = items_at(manifest, "status", "loadBalancer", "ingress")
    return healthy() if addresses else progressing("the load balancer has no address yet")

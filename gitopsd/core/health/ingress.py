"""Health of an Ingress: only one that has an address can be reached."""

from __future__ import annotations

from gitopsd.core.health.words import healthy, progressing
from gitopsd.core.objects.fields import items_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def ingress_health(manifest: Manifest) -> Health:
    """Return the health of an Ingress."""
    addresses = items_at(manifest, "status", "loadBalancer", "ingress")
    return healthy() if addresses else progressing("its controller has given it no address yet")

"""Health of an OpenTelemetryCollector: how many of its replicas are ready, which it writes as `ready/all`."""

from __future__ import annotations

from gitopsd.core.health.words import degraded, healthy, progressing
from gitopsd.core.objects.fields import text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def collector_health(manifest: Manifest) -> Health:
    """Return the health of an OpenTelemetryCollector; a sidecar is part of others' pods, so it has no replicas.

    Source: OpenTelemetry operator, API reference, `OpenTelemetryCollector.status.scale`.
    """
    mode, replicas = text_at(manifest, "spec", "mode"), text_at(manifest, "status", "scale", "statusReplicas")
    ready, _, total = replicas.partition("/")
    if not ready.isdecimal() or not total.isdecimal():
        return healthy() if mode == "sidecar" and manifest.get("status") else progressing("it has no replicas yet")
    if ready.strip("0") == total.strip("0") == "" and mode == "daemonset":
        return healthy("no node is eligible")
    if not ready.strip("0"):
        return degraded(f"{replicas} replicas are ready")
    return healthy() if ready == total else progressing(f"{replicas} replicas are ready")

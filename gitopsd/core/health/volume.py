"""Health of a PersistentVolumeClaim: its phase."""

from __future__ import annotations

from gitopsd.core.health.words import degraded, healthy, progressing, unknown
from gitopsd.core.objects.fields import text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def claim_health(manifest: Manifest) -> Health:
    """Return the health of a PersistentVolumeClaim."""
    match text_at(manifest, "status", "phase"):
        case "Bound":
            return healthy()
        case "Lost":
            return degraded("the volume it was bound to is gone")
        case "Pending" | "":
            return progressing("no volume is bound yet")
        case phase:
            return unknown(f"the claim is in phase {phase!r}")

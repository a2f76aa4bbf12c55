"""Health of a Namespace: its phase."""

from __future__ import annotations

from gitopsd.core.health.words import healthy, progressing, unknown
from gitopsd.core.objects.fields import text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def namespace_health(manifest: Manifest) -> Health:
    """Return the health of a Namespace; one without a phase has just been created."""
    match text_at(manifest, "status", "phase"):
        case "Active":
            return healthy()
        case "Terminating":
            return progressing("it is being deleted")
        case "":
            return progressing("it is not active yet")
        case phase:
            return unknown(f"it is in phase {phase!r}")

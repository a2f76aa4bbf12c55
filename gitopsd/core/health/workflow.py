"""Health of an Argo Workflow: its phase."""

from __future__ import annotations

from gitopsd.core.health.words import degraded, healthy, progressing, suspended, unknown
from gitopsd.core.objects.fields import flag_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def workflow_health(manifest: Manifest) -> Health:
    """Return the health of an argoproj.io Workflow."""
    message = text_at(manifest, "status", "message")
    match text_at(manifest, "status", "phase"):
        case "Succeeded":
            return healthy(message)
        case "Failed" | "Error":
            return degraded(message or "the Workflow failed")
        case "" | "Pending" | "Running" if flag_at(manifest, "spec", "suspend"):
            return suspended("the Workflow is suspended")
        case "" | "Pending" | "Running":
            return progressing(message or "the Workflow has not ended yet")
        case phase:
            return unknown(f"the Workflow is in phase {phase!r}")

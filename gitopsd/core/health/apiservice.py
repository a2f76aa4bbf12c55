"""Health of an APIService: whether the aggregated API answers."""

from __future__ import annotations

from gitopsd.core.health.words import condition, healthy, progressing
from gitopsd.core.objects.fields import text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def apiservice_health(manifest: Manifest) -> Health:
    """Return the health of an APIService; one that does not answer is Progressing, as it may answer at any time."""
    available = condition(manifest, "Available")
    words = ": ".join(text for text in (text_at(available, "reason"), text_at(available, "message")) if text)
    if available.get("status") == "True":
        return healthy(words)
    return progressing(words or "its API has not been looked for yet")

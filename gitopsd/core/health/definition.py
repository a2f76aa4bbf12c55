"""Health of a CustomResourceDefinition: whether its kind is served."""

from __future__ import annotations

from gitopsd.core.health.words import condition, degraded, healthy, progressing
from gitopsd.core.objects.fields import items_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def definition_health(manifest: Manifest) -> Health:
    """Return the health of a CustomResourceDefinition.

    Not established is Progressing while the API server installs it, which it says by the reason `Installing`.
    """
    if not items_at(manifest, "status", "conditions"):
        return progressing("it has no conditions yet")
    terminating, names = condition(manifest, "Terminating"), condition(manifest, "NamesAccepted")
    established, schema = condition(manifest, "Established"), condition(manifest, "NonStructuralSchema")
    if terminating.get("status") == "True":
        return progressing(f"it is being deleted: {text_at(terminating, 'message')}")
    if names.get("status") == "False":
        return degraded(f"its names are not accepted: {text_at(names, 'message')}")
    if established.get("status") != "True":
        message = f"it is not established: {text_at(established, 'message')}"
        return progressing(message) if established.get("reason") == "Installing" else degraded(message)
    if schema.get("status") == "True":
        return degraded(f"its schema breaks the rules: {text_at(schema, 'message')}")
    return healthy()

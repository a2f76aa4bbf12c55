"""Health of a Pod: its phase, and why its containers wait or ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.health.words import condition, degraded, healthy, progressing, unknown
from gitopsd.core.objects.fields import items_at, mapping_at, number_at, text_at
from gitopsd.core.target.sync_options import HELM_HOOK, HOOK
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest

HOOKS = (HOOK, HELM_HOOK)  # a hook has an end, whatever is ignored
IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"


def pod_health(manifest: Manifest) -> Health:
    """Return the health of a Pod.

    A Pod that is never restarted, or only on failure, has an end: until then it is Progressing, also while its image
    cannot be pulled, since that may mend itself and the Pod would then run although it was given up.
    """
    if _runs_for_ever(manifest) and (stuck := _stuck(manifest)) is not None:
        return degraded(stuck)
    message = text_at(manifest, "status", "message")
    match text_at(manifest, "status", "phase"):
        case "Pending":
            return progressing(message or "the Pod is not running yet")
        case "Succeeded":
            return healthy(message)
        case "Failed":
            return degraded(message or _why_failed(manifest))
        case "Running":
            return _running(manifest, message)
        case phase:
            return unknown(message or f"the Pod is in phase {phase!r}")


def _runs_for_ever(manifest: Manifest) -> bool:
    notes = mapping_at(manifest, "metadata", "annotations")
    ignored = notes.get(IGNORE_RESTART_POLICY) == "true" and not any(notes.get(hook) for hook in HOOKS)
    return ignored or text_at(manifest, "spec", "restartPolicy") in ("", "Always")


def _stuck(manifest: Manifest) -> str | None:
    waits = [mapping_at(status, "state", "waiting") for status in items_at(manifest, "status", "containerStatuses")]
    bad = [wait for wait in waits if _is_error(text_at(wait, "reason"))]
    return ", ".join(text_at(wait, "message") or text_at(wait, "reason") for wait in bad) if bad else None


def _is_error(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def _why_failed(manifest: Manifest) -> str:
    containers = [
        *items_at(manifest, "status", "initContainerStatuses"),
        *items_at(manifest, "status", "containerStatuses"),
    ]
    return next((cause for cause in map(_why_ended, containers) if cause), "")


def _why_ended(container: Mapping[str, Any]) -> str:
    ended = mapping_at(container, "state", "terminated")
    code = number_at(ended, "exitCode")
    if message := text_at(ended, "message"):
        return message
    if text_at(ended, "reason") == "OOMKilled":
        return "OOMKilled"
    return f"container {text_at(container, 'name')!r} ended with exit code {code}" if code else ""


def _running(manifest: Manifest, message: str) -> Health:
    if not _runs_for_ever(manifest):
        return progressing(message or "the Pod has not ended yet")
    if condition(manifest, "Ready").get("status") == "True":
        return healthy(message)
    for container in items_at(manifest, "status", "containerStatuses"):
        if mapping_at(container, "lastState", "terminated"):
            return degraded(message or f"container {text_at(container, 'name')!r} was restarted and is not ready")
    return progressing(message or "the Pod is not ready yet")

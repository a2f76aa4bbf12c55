"""Health of a HorizontalPodAutoscaler: whether it can read its metrics and write its target's scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gitopsd.core.health.words import degraded, healthy, progressing
from gitopsd.core.objects.fields import WrongShape, items_at, mapping_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest

V1_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"  # where autoscaling/v1, which has no field, keeps them
FAILED = "Failed"  # begins the reasons that are no waiting on purpose between two scalings
SWITCHED_OFF = "ScalingDisabled"  # the target is at 0 replicas, which somebody wanted


def autoscaler_health(manifest: Manifest) -> Health:
    """Return the health of a HorizontalPodAutoscaler. Held at its bounds it is Healthy: that is what they are for.

    One that neither can scale nor is held is Progressing: it waits after a scaling, or has only begun.

    Source: Kubernetes, "Horizontal Pod Autoscaling", status conditions.
    """
    conditions = {str(condition.get("type")): condition for condition in _conditions(manifest)}
    able, active = conditions.get("AbleToScale", {}), conditions.get("ScalingActive", {})
    if able.get("status") == "False" and text_at(able, "reason").startswith(FAILED):
        return degraded(_words(able))
    if active.get("status") == "False" and text_at(active, "reason") != SWITCHED_OFF:
        return degraded(_words(active))
    for scales in (able, conditions.get("ScalingLimited", {})):
        if scales.get("status") == "True":
            return healthy(_words(scales))
    return progressing(_words(able) or "it has not looked at its target yet")


def _conditions(manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    text = mapping_at(manifest, "metadata", "annotations").get(V1_CONDITIONS)
    if not isinstance(text, str):
        return items_at(manifest, "status", "conditions")
    try:
        return items_at({"conditions": orjson.loads(text)}, "conditions")
    except orjson.JSONDecodeError:
        raise WrongShape(f"annotation {V1_CONDITIONS} is no JSON") from None


def _words(condition: Mapping[str, Any]) -> str:
    return text_at(condition, "message") or text_at(condition, "reason")

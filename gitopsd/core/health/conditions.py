"""Health of a custom resource by the conditions that controllers agree on.

| what its status says                                        | health      |
|-------------------------------------------------------------|-------------|
| `observedGeneration` is behind `metadata.generation`        | Progressing |
| `Stalled`, `Degraded` or `InvalidSpec` is True              | Degraded    |
| `Synced` or `Progressing` is False, the reason an error     | Degraded    |
| `Paused` is True; `Synced` is False by `ReconcilePaused`    | Suspended   |
| `Reconciling` is True; `Progressing` is True, and not done  | Progressing |
| `Ready` (else `Available`) is True                          | Healthy     |
| … is False for a reason that names an error                 | Degraded    |
| … is False for another reason, or Unknown                   | Progressing |
| none of these conditions                                    | none        |

Source: kstatus of sigs.k8s.io/cli-utils ("Status of Kubernetes resources"), to which False alone is in progress: many
controllers begin with it. Argo CD's checks call it Degraded; the reason decides between the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitopsd.core.health.words import degraded, healthy, progressing, suspended, unknown
from gitopsd.core.objects.fields import mapping_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest

ERROR = re.compile(
    r"^(Err|Fail|Invalid|Denied|Forbidden)|(Error|Errors|Failed|Failure|Invalid|BackOff|Exceeded|Aborted)$"
)
DONE = ("NewReplicaSetAvailable", "NewReplicationControllerAvailable")  # Progressing stays True after a rollout
PAUSED = "ReconcilePaused"

Condition = Mapping[str, Any]


def custom_health(manifest: Manifest) -> Health | None:
    """Return the health of a custom resource; None where its status says nothing that all controllers mean alike.

    What a schema of its own may have otherwise (conditions that are no list, a generation that is no number) says
    nothing either.
    """
    status, generation = manifest.get("status"), mapping_at(manifest, "metadata").get("generation")
    if not isinstance(status, dict):
        return None
    if _behind(status.get("observedGeneration"), generation):
        return progressing("the latest spec has not been observed yet")
    listed = status.get("conditions")
    each = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return _told({one["type"]: one for one in reversed(each) if isinstance(one.get("type"), str)}, generation)


def _told(found: Mapping[str, Condition], generation: Any) -> Health | None:  # noqa: PLR0911 - a row of the table each
    for name in ("Stalled", "Degraded", "InvalidSpec"):
        if _is(found, name, "True"):
            return degraded(_words(found[name]))
    for name in ("Synced", "Progressing"):
        if _is(found, name, "False") and ERROR.search(_reason(found[name])):
            return degraded(_words(found[name]))
    if _is(found, "Paused", "True"):
        return suspended(_words(found["Paused"]) or "it is paused")
    if _is(found, "Synced", "False") and _reason(found["Synced"]) == PAUSED:
        return suspended(_words(found["Synced"]))
    if _is(found, "Reconciling", "True"):
        return progressing(_words(found["Reconciling"]))
    if _is(found, "Progressing", "True") and _reason(found["Progressing"]) not in DONE:
        return progressing(_words(found["Progressing"]))
    return next((_ready(name, found[name], generation) for name in ("Ready", "Available") if name in found), None)


def _ready(name: str, condition: Condition, generation: Any) -> Health:
    if _behind(condition.get("observedGeneration"), generation):
        return progressing(f"{name} is of an older spec")
    match _status(condition):
        case "True":
            return healthy(_words(condition))
        case "False" if ERROR.search(_reason(condition)):
            return degraded(_words(condition))
        case "False" | "Unknown":
            return progressing(_words(condition) or f"it is not {name} yet")
        case status:
            return unknown(f"condition {name} is {str(status)[:40]!r} instead of 'True', 'False' or 'Unknown'")


def _is(found: Mapping[str, Condition], name: str, status: str) -> bool:
    return name in found and _status(found[name]) == status


def _status(condition: Condition) -> Any:
    """Return a condition's status as text, which some controllers write as a boolean."""
    status = condition.get("status")
    return str(status) if isinstance(status, bool) else status


def _behind(observed: Any, generation: Any) -> bool:
    """Tell whether `observed` is an older generation; some controllers write theirs as text."""
    if isinstance(observed, str) and observed.isdecimal() and len(observed) < len(str(1 << 63)):
        observed = int(observed)
    return isinstance(observed, int) and isinstance(generation, int) and observed < generation


def _reason(condition: Condition) -> str:
    reason = condition.get("reason")
    return reason if isinstance(reason, str) else ""


def _words(condition: Condition) -> str:
    message = condition.get("message")
    return message if isinstance(message, str) and message else _reason(condition)

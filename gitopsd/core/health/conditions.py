"""Health of a custom resource of which no more is known, by the conditions and phases that controllers agree on.

| what its status says                                        | health      |
|-------------------------------------------------------------|-------------|
| `observedGeneration` is behind `metadata.generation`        | Progressing |
| `Stalled`, `Degraded`, `Failed` or `InvalidSpec` is True    | Degraded    |
| `Synced` or `Progressing` is False, the reason an error     | Degraded    |
| `Paused` is True; `Synced` is False by `ReconcilePaused`    | Suspended   |
| `Reconciling` is True; `Progressing` is True, and not done  | Progressing |
| `Ready` (else `Available`) is True                          | Healthy     |
| … is False for a reason that names an error                 | Degraded    |
| … is False for another reason, or Unknown                   | Progressing |
| none of these conditions                                    | none        |

A `phase` or `state` that is a word of PHASES says it too: the worse of the two counts. Where none of them says anything
bad, `spec.suspend` or `spec.paused` is Suspended.

Source: kstatus of sigs.k8s.io/cli-utils ("Status of Kubernetes resources"), to which False alone is in progress: many
controllers begin with it. Argo CD's checks call it Degraded; the reason decides between the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.core.health.facts import at, is_behind, status_of, words_of
from gitopsd.core.health.words import degraded, healthy, progressing, suspended, unknown
from gitopsd.model.health import SEVERITY, Health, HealthStatus
from gitopsd.model.manifest import Manifest

ERROR = re.compile(
    r"^(Err|Fail|Invalid|Denied|Forbidden)|(Error|Errors|Failed|Failure|Invalid|BackOff|Exceeded|Aborted)$"
)
DONE = ("NewReplicaSetAvailable", "NewReplicationControllerAvailable")  # Progressing stays True after a rollout
PAUSED = "ReconcilePaused"


PHASES: Mapping[str, HealthStatus] = {
    **dict.fromkeys(
        (
            "active",
            "available",
            "bound",
            "complete",
            "completed",
            "healthy",
            "ready",
            "running",
            "succeeded",
            "successful",
        ),
        HealthStatus.HEALTHY,
    ),
    **dict.fromkeys(("paused", "suspended", "hibernated", "stopped"), HealthStatus.SUSPENDED),
    **dict.fromkeys(
        (
            *("creating", "deploying", "initializing", "installing", "new", "pending", "processing", "progressing"),
            *(
                "provisioning",
                "reconciling",
                "restarting",
                "scaling",
                "scheduling",
                "starting",
                "updating",
                "upgrading",
            ),
            *("waiting", "deleting", "terminating"),
        ),
        HealthStatus.PROGRESSING,
    ),
    **dict.fromkeys(
        (
            "degraded",
            "error",
            "errored",
            "failed",
            "failure",
            "invalid",
            "lost",
            "rejected",
            "unavailable",
            "unhealthy",
        ),
        HealthStatus.DEGRADED,
    ),
}
GOES_ON = ("active", "running")  # which end a rollout, but not a run: what has a time at which it began is a run
BEGAN = ("startTime", "startedAt", "startTimestamp")
SWITCHES = ("suspend", "suspended", "paused")

Condition = Mapping[str, Any]


def custom_health(manifest: Manifest) -> Health | None:
    """Return the health of a custom resource; None where its status says nothing that all controllers mean alike.

    What a schema of its own may have otherwise (conditions that are no list, a generation that is no number) says
    nothing either.
    """
    status, generation = manifest.get("status"), at(manifest, ("metadata", "generation"))
    health = _status_health(status, generation) if isinstance(status, dict) else None
    if health is not None and health.status is not HealthStatus.HEALTHY:
        return health
    switch = next((name for name in SWITCHES if at(manifest, ("spec", name)) is True), None)
    return health if switch is None else suspended(f"{switch} is true")


def _status_health(status: Mapping[str, Any], generation: Any) -> Health | None:
    if is_behind(status.get("observedGeneration"), generation):
        return progressing("the latest spec has not been observed yet")
    listed = status.get("conditions")
    conditions = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    health = _told({one["type"]: one for one in reversed(conditions) if isinstance(one.get("type"), str)}, generation)
    # max() keeps the first of equals: a condition says more than a phase.
    return max((one for one in (health, *_phases(status)) if one), key=lambda one: SEVERITY[one.status], default=None)


def _phases(status: Mapping[str, Any]) -> Iterator[Health]:
    for name in ("phase", "state"):
        word = status.get(name)
        folded = word.casefold() if isinstance(word, str) else ""
        if phase_health := PHASES.get(folded):
            runs = folded in GOES_ON and any(status.get(began) for began in BEGAN)
            yield Health(HealthStatus.PROGRESSING if runs else phase_health, words_of(status) or f"{name} is {word}")


def _told(conditions: Mapping[str, Condition], generation: Any) -> Health | None:  # noqa: PLR0911 - a row of the table each
    for name in ("Stalled", "Degraded", "Failed", "InvalidSpec"):
        if _is(conditions, name, "True"):
            return degraded(words_of(conditions[name]))
    for name in ("Synced", "Progressing"):
        if _is(conditions, name, "False") and ERROR.search(_reason(conditions[name])):
            return degraded(words_of(conditions[name]))
    if _is(conditions, "Paused", "True"):
        return suspended(words_of(conditions["Paused"]) or "it is paused")
    if _is(conditions, "Synced", "False") and _reason(conditions["Synced"]) == PAUSED:
        return suspended(words_of(conditions["Synced"]))
    if _is(conditions, "Reconciling", "True"):
        return progressing(words_of(conditions["Reconciling"]))
    if _is(conditions, "Progressing", "True") and _reason(conditions["Progressing"]) not in DONE:
        return progressing(words_of(conditions["Progressing"]))
    return next(
        (_ready(name, conditions[name], generation) for name in ("Ready", "Available") if name in conditions), None
    )


def _ready(name: str, condition: Condition, generation: Any) -> Health:
    if is_behind(condition.get("observedGeneration"), generation):
        return progressing(f"{name} is of an older spec")
    match status_of(condition):
        case "True":
            return healthy(words_of(condition))
        case "False" if ERROR.search(_reason(condition)):
            return degraded(words_of(condition))
        case "False" | "Unknown":
            return progressing(words_of(condition) or f"it is not {name} yet")
        case status:
            return unknown(f"condition {name} is {str(status)[:40]!r} instead of 'True', 'False' or 'Unknown'")


def _is(conditions: Mapping[str, Condition], name: str, status: str) -> bool:
    return name in conditions and status_of(conditions[name]) == status


def _reason(condition: Condition) -> str:
    reason = condition.get("reason")
    return reason if isinstance(reason, str) else ""

"""Health of kinds that are not workloads: autoscalers, addresses, budgets, runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsd.core.health import health_of
from gitopsd.model.health import Health, HealthStatus
from tests.core.health.lives import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, UNKNOWN, live, status_of

ABLE = {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": "it was able to"}
ACTIVE = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
AUTOSCALING = [
    (PROGRESSING, []),
    (HEALTHY, [ABLE]),
    (HEALTHY, [ABLE, ACTIVE, {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}]),
    (HEALTHY, [ABLE, {"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]),
    (PROGRESSING, [ACTIVE]),
    (PROGRESSING, [{"type": "AbleToScale", "status": "False", "reason": "BackoffBoth"}, ACTIVE]),
    (DEGRADED, [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}]),
    (DEGRADED, [ABLE, {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}]),
    (DEGRADED, [ABLE, {"type": "ScalingActive", "status": "False", "reason": "InvalidSelector"}]),
]


@pytest.mark.parametrize(("expected", "conditions"), AUTOSCALING)
def test_autoscaler_does_as_its_conditions(expected: HealthStatus, conditions: Any) -> None:
    assert expected == status_of(live("autoscaling/HorizontalPodAutoscaler", {}, {"conditions": conditions}))


@pytest.mark.parametrize(("expected", "conditions"), AUTOSCALING)
def test_autoscaler_of_v1_does_as_the_conditions_in_its_annotation(expected: HealthStatus, conditions: Any) -> None:
    written = {"autoscaling.alpha.kubernetes.io/conditions": json.dumps(conditions)}

    assert expected == status_of(live("autoscaling/HorizontalPodAutoscaler", {}, {}, annotations=written))


def test_autoscaler_with_a_broken_annotation_is_unknown() -> None:
    written = {"autoscaling.alpha.kubernetes.io/conditions": "{"}

    assert UNKNOWN == status_of(live("autoscaling/HorizontalPodAutoscaler", {}, {}, annotations=written))


@pytest.mark.parametrize("group", ["networking.k8s.io", "extensions"])
@pytest.mark.parametrize(("expected", "ingress"), [(PROGRESSING, None), (HEALTHY, [{"hostname": "lb.example"}])])
def test_ingress_waits_for_its_address(expected: HealthStatus, ingress: Any, group: str) -> None:
    assert expected == status_of(live(f"{group}/Ingress", {}, {"loadBalancer": {"ingress": ingress}}))


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        (Health(PROGRESSING, "its API has not been looked for yet"), []),
        (Health(HEALTHY, "Passed: all checks passed"), [("True", "Passed", "all checks passed")]),
        (Health(PROGRESSING, "MissingEndpoints: none"), [("False", "MissingEndpoints", "none")]),
    ],
)
def test_apiservice_does_as_its_api_answers(expected: Health, conditions: Any) -> None:
    told = [
        {"type": "Available", "status": status, "reason": reason, "message": message}
        for status, reason, message in conditions
    ]

    assert expected == health_of(live("apiregistration.k8s.io/APIService", {}, {"conditions": told}))


BEGUN, LATER, EARLIER = "2030-01-01T10:00:00Z", "2030-01-01T10:00:07Z", "2030-01-01T09:00:07Z"


@pytest.mark.parametrize(
    ("expected", "spec", "status"),
    [
        (PROGRESSING, {}, None),
        (HEALTHY, {}, {}),
        (HEALTHY, {"suspend": True}, {"lastScheduleTime": BEGUN, "lastSuccessfulTime": EARLIER}),
        (HEALTHY, {}, {"lastScheduleTime": BEGUN, "lastSuccessfulTime": EARLIER, "active": [{"name": "x-1"}]}),
        (HEALTHY, {}, {"lastScheduleTime": BEGUN, "lastSuccessfulTime": LATER}),
        (DEGRADED, {}, {"lastScheduleTime": BEGUN, "lastSuccessfulTime": EARLIER}),
        (HEALTHY, {}, {"lastScheduleTime": BEGUN}),
        (UNKNOWN, {}, {"lastScheduleTime": "yesterday"}),
        (UNKNOWN, {}, {"lastScheduleTime": BEGUN, "lastSuccessfulTime": "2030-01-01T10:00:07"}),
    ],
)
def test_cronjob_does_as_its_last_run(expected: HealthStatus, spec: Any, status: Any) -> None:
    assert expected == status_of(live("batch/CronJob", spec, status))


@pytest.mark.parametrize(
    ("expected", "spec", "phase"),
    [
        (PROGRESSING, {}, None),
        (PROGRESSING, {}, "Pending"),
        (PROGRESSING, {}, "Running"),
        (SUSPENDED, {"suspend": True}, "Running"),
        (HEALTHY, {"suspend": True}, "Succeeded"),
        (DEGRADED, {}, "Failed"),
        (DEGRADED, {}, "Error"),
        (UNKNOWN, {}, "Odd"),
    ],
)
def test_workflow_does_as_its_phase(expected: HealthStatus, spec: Any, phase: Any) -> None:
    assert expected == status_of(live("argoproj.io/Workflow", spec, {"phase": phase}))


COUNTED = {"observedGeneration": 2, "currentHealthy": 3, "desiredHealthy": 2, "disruptionsAllowed": 1}


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        (HEALTHY, COUNTED),
        (HEALTHY, {**COUNTED, "desiredHealthy": 3, "disruptionsAllowed": 0}),
        (PROGRESSING, {**COUNTED, "currentHealthy": 1}),
        (PROGRESSING, {**COUNTED, "observedGeneration": 1}),
        (PROGRESSING, None),
        (
            DEGRADED,
            {**COUNTED, "conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}]},
        ),
        (
            HEALTHY,
            {**COUNTED, "conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}]},
        ),
    ],
)
def test_budget_does_as_its_pods(expected: HealthStatus, status: Any) -> None:
    assert expected == status_of(live("policy/PodDisruptionBudget", {}, status, generation=2))


def test_pod_with_an_end_is_given_up_where_its_annotation_says_so() -> None:
    ignored = {"argocd.argoproj.io/ignore-restart-policy": "true"}
    stuck = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}

    assert DEGRADED == status_of(live("Pod", {"restartPolicy": "Never"}, stuck, annotations=ignored))


def test_hook_has_an_end_whatever_its_annotation_says() -> None:
    ignored = {"argocd.argoproj.io/ignore-restart-policy": "true", "argocd.argoproj.io/hook": "PostSync"}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

    assert PROGRESSING == status_of(live("Pod", {"restartPolicy": "Never"}, ready, annotations=ignored))

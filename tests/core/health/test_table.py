"""Health by kind: the states a controller reports, and shapes that nobody should send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.health import health_of
from gitopsd.core.health.table import CHECKS, MAX_MESSAGE
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from tests.core.health.lives import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, UNKNOWN, live, status_of

ROLLED_OUT = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}


@pytest.mark.parametrize(
    ("expected", "spec", "status"),
    [
        (HEALTHY, {"replicas": 3}, ROLLED_OUT),
        (HEALTHY, {"replicas": 0}, {"observedGeneration": 2}),
        (SUSPENDED, {"replicas": 3, "paused": True}, ROLLED_OUT),
        (PROGRESSING, {"replicas": 3}, {**ROLLED_OUT, "observedGeneration": 1}),
        (PROGRESSING, {"replicas": 3}, None),
        (PROGRESSING, {"replicas": 3}, {**ROLLED_OUT, "updatedReplicas": 2}),
        (PROGRESSING, {"replicas": 3}, {**ROLLED_OUT, "replicas": 4}),
        (PROGRESSING, {"replicas": 3}, {**ROLLED_OUT, "availableReplicas": 2}),
        (
            DEGRADED,
            {"replicas": 3},
            {**ROLLED_OUT, "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]},
        ),
    ],
)
def test_deployment_does_as_its_rollout(expected: HealthStatus, spec: Any, status: Any) -> None:
    assert expected == status_of(live("apps/Deployment", spec, status, generation=2))


SETTLED = {**ROLLED_OUT, "updateRevision": "b", "currentRevision": "b"}
MOVING = {**ROLLED_OUT, "updateRevision": "b", "currentRevision": "a"}


@pytest.mark.parametrize(
    ("expected", "spec", "status"),
    [
        (HEALTHY, {"replicas": 3}, SETTLED),
        (PROGRESSING, {"replicas": 3}, MOVING),
        (PROGRESSING, {"replicas": 3}, {**SETTLED, "readyReplicas": 2}),
        (PROGRESSING, {"replicas": 3}, {**SETTLED, "observedGeneration": 1}),
        (PROGRESSING, {"replicas": 3}, {}),
        (HEALTHY, {"replicas": 3, "updateStrategy": {"type": "OnDelete"}}, MOVING),
        (
            HEALTHY,
            {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
            {**MOVING, "updatedReplicas": 1},
        ),
        (
            PROGRESSING,
            {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
            {**MOVING, "updatedReplicas": 1},
        ),
        (
            PROGRESSING,
            {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
            MOVING,
        ),
    ],
)
def test_statefulset_does_as_its_rollout(expected: HealthStatus, spec: Any, status: Any) -> None:
    assert expected == status_of(live("apps/StatefulSet", spec, status, generation=2))


SCHEDULED = {"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}


@pytest.mark.parametrize(
    ("expected", "spec", "status"),
    [
        (HEALTHY, {}, SCHEDULED),
        (PROGRESSING, {}, {**SCHEDULED, "observedGeneration": 1}),
        (PROGRESSING, {}, {**SCHEDULED, "updatedNumberScheduled": 2}),
        (PROGRESSING, {}, {**SCHEDULED, "numberAvailable": 2}),
        (HEALTHY, {"updateStrategy": {"type": "OnDelete"}}, {**SCHEDULED, "updatedNumberScheduled": 0}),
    ],
)
def test_daemonset_does_as_its_rollout(expected: HealthStatus, spec: Any, status: Any) -> None:
    assert expected == status_of(live("apps/DaemonSet", spec, status, generation=2))


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        (HEALTHY, ROLLED_OUT),
        (PROGRESSING, {**ROLLED_OUT, "availableReplicas": 1}),
        (PROGRESSING, {**ROLLED_OUT, "observedGeneration": 1}),
        (DEGRADED, {**ROLLED_OUT, "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "quota"}]}),
        (HEALTHY, {**ROLLED_OUT, "conditions": [{"type": "ReplicaFailure", "status": "False"}]}),
    ],
)
def test_replicaset_does_as_its_pods(expected: HealthStatus, status: Any) -> None:
    assert expected == status_of(live("apps/ReplicaSet", {"replicas": 3}, status, generation=2))


READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("expected", "policy", "status"),
    [
        (PROGRESSING, "Always", {"phase": "Pending"}),
        (HEALTHY, "Always", {"phase": "Running", "conditions": [READY]}),
        (HEALTHY, None, {"phase": "Running", "conditions": [READY]}),
        (PROGRESSING, "Always", {"phase": "Running"}),
        (DEGRADED, "Always", {"phase": "Running", "containerStatuses": [{"lastState": {"terminated": {"x": 1}}}]}),
        (
            DEGRADED,
            "Always",
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
        ),
        (
            PROGRESSING,
            "Never",
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
        ),
        (PROGRESSING, "OnFailure", {"phase": "Running", "conditions": [READY]}),
        (HEALTHY, "Never", {"phase": "Succeeded"}),
        (DEGRADED, "Never", {"phase": "Failed"}),
        (UNKNOWN, "Always", {"phase": "Unknown"}),
        (UNKNOWN, "Always", None),
    ],
)
def test_pod_does_as_its_phase_and_containers(expected: HealthStatus, policy: Any, status: Any) -> None:
    assert expected == status_of(live("Pod", {"restartPolicy": policy}, status))


def test_failed_pod_tells_how_its_container_ended() -> None:
    ended = [{"name": "web", "state": {"terminated": {"exitCode": 3}}}]

    found = health_of(live("Pod", {}, {"phase": "Failed", "containerStatuses": ended}))

    assert Health(DEGRADED, "container 'web' ended with exit code 3") == found


@pytest.mark.parametrize(
    ("expected", "spec", "conditions"),
    [
        (PROGRESSING, {}, []),
        (HEALTHY, {}, [{"type": "Complete", "status": "True"}]),
        (DEGRADED, {}, [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]),
        (PROGRESSING, {}, [{"type": "Failed", "status": "False"}]),
        (SUSPENDED, {"suspend": True}, []),
        (SUSPENDED, {}, [{"type": "Suspended", "status": "True"}]),
    ],
)
def test_job_does_as_it_ended(expected: HealthStatus, spec: Any, conditions: Any) -> None:
    assert expected == status_of(live("batch/Job", spec, {"conditions": conditions}))


@pytest.mark.parametrize(
    ("expected", "phase"), [(HEALTHY, "Bound"), (PROGRESSING, "Pending"), (DEGRADED, "Lost"), (UNKNOWN, "Odd")]
)
def test_claim_does_as_its_phase(expected: HealthStatus, phase: str) -> None:
    assert expected == status_of(live("PersistentVolumeClaim", {}, {"phase": phase}))


@pytest.mark.parametrize(
    ("expected", "kind", "ingress"),
    [(HEALTHY, "ClusterIP", None), (PROGRESSING, "LoadBalancer", []), (HEALTHY, "LoadBalancer", [{"ip": "10.0.0.1"}])],
)
def test_only_a_load_balancer_waits_for_its_address(expected: HealthStatus, kind: str, ingress: Any) -> None:
    assert expected == status_of(live("Service", {"type": kind}, {"loadBalancer": {"ingress": ingress}}))


ESTABLISHED = {"type": "Established", "status": "True"}


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        (PROGRESSING, []),
        (HEALTHY, [{"type": "NamesAccepted", "status": "True"}, ESTABLISHED]),
        (DEGRADED, [{"type": "NamesAccepted", "status": "False"}]),
        (PROGRESSING, [{"type": "Established", "status": "False", "reason": "Installing"}]),
        (DEGRADED, [{"type": "Established", "status": "False", "reason": "NotAccepted"}]),
        (DEGRADED, [ESTABLISHED, {"type": "NonStructuralSchema", "status": "True"}]),
        (PROGRESSING, [ESTABLISHED, {"type": "Terminating", "status": "True"}]),
    ],
)
def test_definition_does_as_it_is_served(expected: HealthStatus, conditions: Any) -> None:
    manifest = live("apiextensions.k8s.io/CustomResourceDefinition", {}, {"conditions": conditions})

    assert expected == status_of(manifest)


@pytest.mark.parametrize(
    ("expected", "phase"), [(HEALTHY, "Active"), (PROGRESSING, "Terminating"), (PROGRESSING, None), (UNKNOWN, "Odd")]
)
def test_namespace_does_as_its_phase(expected: HealthStatus, phase: Any) -> None:
    assert expected == status_of(live("Namespace", {}, {"phase": phase}))


def test_kind_without_health_has_none() -> None:
    assert health_of(live("ConfigMap")) is None


def test_object_that_is_being_deleted_is_progressing_whatever_its_kind() -> None:
    assert PROGRESSING == status_of(live("ConfigMap", deletionTimestamp="2030-01-01T00:00:00Z"))


def test_object_annotated_to_be_ignored_has_no_health() -> None:
    ignored = {"argocd.argoproj.io/ignore-healthcheck": "true"}

    assert health_of(live("Pod", {}, {"phase": "Failed"}, annotations=ignored)) is None


def test_wrong_type_is_unknown_and_named() -> None:
    found = health_of(live("apps/Deployment", {"replicas": "three"}, ROLLED_OUT, generation=2))

    assert Health(UNKNOWN, ".spec.replicas is a string instead of an integer") == found


@pytest.mark.parametrize("kind", ["Pod", "example.com/Boat"])
@pytest.mark.words
def test_words_without_an_end_are_cut(kind: str) -> None:
    told = "x" * 1_000_000
    status = {"phase": "Failed", "message": told, "conditions": [{"type": "Ready", "status": "False", "message": told}]}

    found = health_of(live(kind, {}, status))

    assert found is not None
    assert "x" * MAX_MESSAGE + " …" == found.message


FIELDS = st.sampled_from(
    ["replicas", "conditions", "type", "status", "phase", "containerStatuses", "state", "waiting", "updateStrategy",
     "annotations", "generation", "observedGeneration", "loadBalancer", "ingress", "terminated", "message"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@given(kind=st.sampled_from(sorted(CHECKS)), spec=JSON, status=JSON, meta=JSON)
def test_no_shape_raises(kind: GroupKind, spec: Any, status: Any, meta: Any) -> None:
    version = f"{kind.group}/v1" if kind.group else "v1"

    found = health_of({"apiVersion": version, "kind": kind.kind, "metadata": meta, "spec": spec, "status": status})

    assert found is None or found.status in HealthStatus

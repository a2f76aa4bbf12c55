"""Health of custom resources by conditions that every controller means alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.health import health_of
from gitopsd.model.health import Health, HealthStatus
from tests.core.health.lives import (
    DEGRADED,
    HEALTHY,
    JSON,
    PROGRESSING,
    SUSPENDED,
    UNKNOWN,
    VALUES,
    conditions,
    live,
    status_of,
)

KIND = "shop.example/Basket"  # of which no table knows more


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (HEALTHY, ["Ready=True"]),
        (HEALTHY, ["Available=True"]),
        (PROGRESSING, ["Ready=False:Pending"]),
        (PROGRESSING, ["Ready=Unknown:Pending"]),
        (PROGRESSING, ["Available=False"]),
        (DEGRADED, ["Ready=False:SecretSyncedError"]),
        (DEGRADED, ["Ready=False:Failed"]),
        (DEGRADED, ["Ready=False:InvalidProviderConfig"]),
        (DEGRADED, ["Ready=False:ErrInitIssuer"]),
        (PROGRESSING, ["Ready=Unknown:Failed"]),
        (PROGRESSING, ["Available=True", "Ready=False"]),
        (DEGRADED, ["Stalled=True:BuildFailed", "Reconciling=True", "Ready=True"]),
        (HEALTHY, ["Stalled=False", "Reconciling=False", "Ready=True"]),
        (PROGRESSING, ["Reconciling=True", "Ready=True"]),
        (PROGRESSING, ["Reconciling=True"]),
        (DEGRADED, ["Available=True", "Progressing=False", "Degraded=True"]),
        (PROGRESSING, ["Available=True", "Progressing=True:Updating", "Degraded=False"]),
        (HEALTHY, ["Available=True", "Progressing=True:NewReplicaSetAvailable"]),
        (HEALTHY, ["Available=True", "Progressing=True:NewReplicationControllerAvailable"]),
        (DEGRADED, ["Available=True", "Progressing=False:ProgressDeadlineExceeded"]),
        (DEGRADED, ["Available=True", "Progressing=False:RolloutAborted"]),
        (HEALTHY, ["Available=True", "Progressing=False:AsExpected"]),
        (DEGRADED, ["Available=True", "InvalidSpec=True:InvalidSpec"]),
        (DEGRADED, ["Ready=True:Available", "Synced=False:ReconcileError"]),
        (SUSPENDED, ["Ready=True:Available", "Synced=False:ReconcilePaused"]),
        (HEALTHY, ["Ready=True:Available", "Synced=True:ReconcileSuccess"]),
        (SUSPENDED, ["Ready=True", "Paused=True:ScaledObjectPaused"]),
        (HEALTHY, ["Ready=True", "Paused=False"]),
    ],
)
def test_custom_resource_does_as_its_conditions(expected: HealthStatus, told: list[str]) -> None:
    assert expected == status_of(live(KIND, {}, {"conditions": conditions(*told)}))


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"conditions": []},
        {"conditions": conditions("Issuing=True", "Reconciling=False")},
        {"conditions": {"Ready": "True"}},
        {"conditions": ["Ready"]},
        "Ready",
        {"observedGeneration": 3},
        {"observedGeneration": 1.5},
    ],
)
def test_custom_resource_that_says_nothing_general_has_no_health(status: Any) -> None:
    assert health_of(live(KIND, {}, status, generation=3)) is None


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        (HEALTHY, {"phase": "Ready"}),
        (HEALTHY, {"state": "running"}),
        (PROGRESSING, {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}),
        (HEALTHY, {"phase": "Succeeded", "startTime": "2026-01-01T00:00:00Z"}),
        (PROGRESSING, {"phase": "Pending"}),
        (DEGRADED, {"phase": "Failed"}),
        (SUSPENDED, {"phase": "Paused"}),
        (DEGRADED, {"phase": "Failed", "conditions": conditions("Ready=False:Waiting")}),
        (PROGRESSING, {"phase": "Running", "conditions": conditions("Ready=False:Waiting")}),
        (PROGRESSING, {"phase": "Pending", "conditions": conditions("Ready=True")}),
        (DEGRADED, {"phase": "Ready", "state": "ERROR"}),
        (DEGRADED, {"conditions": conditions("Failed=True")}),
    ],
)
def test_phase_that_is_a_known_word_counts_beside_the_conditions(expected: HealthStatus, status: Any) -> None:
    assert expected == status_of(live(KIND, {}, status))


def test_phase_of_a_word_of_its_own_says_nothing() -> None:
    assert health_of(live(KIND, {}, {"phase": "Simmering"})) is None


@pytest.mark.parametrize("switch", ["suspend", "suspended", "paused"])
def test_switched_off_by_its_spec_is_suspended_and_not_green(switch: str) -> None:
    assert SUSPENDED == status_of(live(KIND, {switch: True}, {"conditions": conditions("Ready=True")}))
    assert SUSPENDED == status_of(live(KIND, {switch: True}))
    assert HEALTHY == status_of(live(KIND, {switch: False}, {"conditions": conditions("Ready=True")}))
    assert DEGRADED == status_of(live(KIND, {switch: True}, {"phase": "Failed"}))


@pytest.mark.parametrize("observed", [2, "2"])
def test_status_of_an_older_spec_does_not_count(observed: Any) -> None:
    old = {"observedGeneration": observed, "conditions": conditions("Ready=True")}

    assert PROGRESSING == status_of(live(KIND, {}, old, generation=3))


def test_ready_of_an_older_spec_does_not_count() -> None:
    (ready,) = conditions("Ready=True")

    found = health_of(live(KIND, {}, {"conditions": [{**ready, "observedGeneration": 2}]}, generation=3))

    assert Health(PROGRESSING, "Ready is of an older spec") == found


def test_words_of_the_controller_are_told() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "Failed", "message": "no such issuer"}

    assert Health(DEGRADED, "no such issuer") == health_of(live(KIND, {}, {"conditions": [ready]}))


def test_condition_that_is_neither_true_nor_false_is_unknown() -> None:
    assert UNKNOWN == status_of(live(KIND, {}, {"conditions": [{"type": "Ready", "status": 1}]}))


def test_boolean_is_read_as_its_text() -> None:
    assert HEALTHY == status_of(live(KIND, {}, {"conditions": [{"type": "Ready", "status": True}]}))
    assert DEGRADED == status_of(live(KIND, {}, {"conditions": [{"type": "Degraded", "status": True}]}))


def test_conditions_of_kubernetes_own_kinds_are_not_guessed_at() -> None:
    assert health_of(live("Node", {}, {"conditions": conditions("Ready=False:Failed")})) is None


def test_custom_kind_in_a_group_of_kubernetes_projects_is_custom() -> None:
    told = {"conditions": conditions("Ready=True")}

    assert HEALTHY == status_of(live("sample.networking.k8s.io/Basket", {}, told))


GIVEN = "as given"


@given(status=JSON, generation=VALUES, meta=JSON | st.just(GIVEN))
def test_no_shape_raises(status: Any, generation: Any, meta: Any) -> None:
    manifest = live(KIND, {}, status, generation=generation)

    found = health_of(manifest if meta == GIVEN else {**manifest, "metadata": meta})

    assert found is None or found.status in HealthStatus

"""What is said of syncs that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.sync.failing import failure_of, sync_error
from gitopsd.core.sync.healing import Pacing
from gitopsd.model.application import Application
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.operation import EndReason, Operation, OperationCause, OperationPhase
from gitopsd.model.status import Failing
from tests.core.apps import AUTOMATED, application

NEW = TargetHash("new")
DIFFERS = Comparison(SyncStatus.OUT_OF_SYNC, Health(HealthStatus.MISSING), target=NEW)


def operation(**fields: Any) -> Operation:
    defaults: dict[str, Any] = {
        "target": NEW,
        "phase": OperationPhase.FAILED,
        "message": "no",
        "started_s": 900.0,
        "finished_s": 1000.0,
        "retries": 2,
        "failing_since_s": 800.0,
    }
    return Operation(
        id="id", app=AppName("shop"), cluster=ClusterId("c"), revisions=(), tasks=(), **{**defaults, **fields}
    )


def told(of: Operation | None, app: Application | None = None, found: Comparison = DIFFERS) -> Failing | None:
    return failure_of(app or application(), found, of, Pacing())


def test_what_failed_says_since_when_how_often_and_when_it_is_tried_again() -> None:
    found = told(operation())

    assert Failing(800.0, 3, 1020.0, "no") == found
    assert found is not None
    condition = sync_error(found)
    assert "SyncError" == condition.type
    assert "failing since 1970-01-01T00:13:20Z, 3 tries; it is tried again at 1970-01-01T00:17:00Z: no" == (
        condition.message
    )


def test_first_failure_fails_since_its_end() -> None:
    assert Failing(1000.0, 1, 1005.0, "no") == told(operation(retries=0, failing_since_s=0.0))


def test_retry_that_runs_does_not_take_the_condition_away() -> None:
    found = told(operation(phase=OperationPhase.RUNNING, finished_s=None))

    assert Failing(800.0, 2, None, "no", trying=True) == found
    assert found is not None
    assert "being tried again" in sync_error(found).message


def test_what_waits_for_a_change_says_so() -> None:
    found = told(operation(end=EndReason.TERMINATED))

    assert found is not None
    assert found.next_s is None
    assert "waits for a change" in sync_error(found).message


@pytest.mark.parametrize(
    "of",
    [
        None,
        operation(phase=OperationPhase.SUCCEEDED),
        operation(phase=OperationPhase.RUNNING, failing_since_s=0.0),
        operation(target=TargetHash("old")),
        operation(end=EndReason.SUPERSEDED),
        operation(cause=OperationCause.DELETION),
    ],
    ids=["none", "succeeded", "first try", "other content", "superseded", "deletion"],
)
def test_what_does_not_fail_has_no_condition(of: Operation | None) -> None:
    assert told(of) is None


def test_who_is_in_sync_or_synced_by_hand_has_no_condition() -> None:
    by_hand = application(sync_policy=replace(AUTOMATED, automated=False))

    assert told(operation(), found=replace(DIFFERS, status=SyncStatus.SYNCED)) is None
    assert told(operation(), by_hand) is None

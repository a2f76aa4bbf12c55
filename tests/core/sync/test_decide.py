"""When gitopsd syncs by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gitopsd.core.sync.decide import SyncDecision, SyncSituation, carrying, last_sync, request_refused, sync_due
from gitopsd.core.sync.healing import Pacing
from gitopsd.model.application import Application, Mode, Retry
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.operation import (
    EndReason,
    Heal,
    LastSync,
    Operation,
    OperationCause,
    OperationPhase,
    OperationScope,
    PlannedWork,
    SyncRequest,
    Task,
    TaskState,
    TaskVerb,
    WaitReason,
    operation_from_json,
    operation_to_json,
)
from tests.core.apps import AUTOMATED, application
from tests.core.lives import config_key
from tests.core.sync.decide import DRIFT, X

NEW, OLD = TargetHash("new"), TargetHash("old")
HEALS = application(sync_policy=replace(AUTOMATED, self_heal=True))


def due(
    app: Application, last: LastSync | None = None, now_s: float = 1000.0, todo: PlannedWork = DRIFT, **fields: Any
) -> SyncDecision:
    return sync_due(app, SyncSituation(Mode.ENFORCE, todo, NEW, last, **fields), now_s, Pacing())


def synced(ended_s: float = 999.0, target: TargetHash = NEW, **fields: Any) -> LastSync:
    return LastSync(**{"target": target, "succeeded": True, "ended_s": ended_s, **fields})


def test_new_content_is_due_at_once() -> None:
    assert due(application()).sync
    assert due(application(), synced(target=OLD)).sync
    assert due(application(), synced(target=OLD, succeeded=False)).sync


@pytest.mark.parametrize(
    ("app", "fields"),
    [
        (application(sync_policy=replace(AUTOMATED, automated=False)), {}),
        (application(skip_reconcile=True), {}),
        (application(), {"deleting": True}),
        (application(), {"todo": PlannedWork()}),
        (application(), {"todo": PlannedWork(drift=3, pending=1)}),
        (application(), {"todo": PlannedWork(drift=3, empties=3)}),
        (application(), {"argocd_wrote_s": 900.0}),
    ],
    ids=["by hand", "left alone", "being deleted", "in sync", "lists under way", "empty target", "Argo CD writes"],
)
def test_not_due_says_why(app: Application, fields: Any) -> None:
    found = due(app, **fields)

    assert not found.sync
    assert found.reason


def test_observed_application_is_never_due() -> None:
    assert not sync_due(application(), SyncSituation(Mode.OBSERVE, DRIFT, NEW), 1000.0, Pacing()).sync


def test_list_under_way_is_looked_for_again() -> None:
    assert due(application(), todo=PlannedWork(drift=1, pending=1)).again_after_s is not None


def test_empty_target_is_synced_where_that_is_allowed() -> None:
    allowed = application(sync_policy=replace(AUTOMATED, allow_empty=True))

    assert due(allowed, todo=PlannedWork(drift=3, empties=3)).sync


def test_objects_that_argocd_wrote_are_left_to_it_for_an_hour_unless_adopted() -> None:
    waits = due(application(), argocd_wrote_s=900.0)

    assert (False, 3500.0) == (waits.sync, waits.again_after_s)
    assert due(application(), argocd_wrote_s=900.0, now_s=4500.0).sync
    assert due(application(adopted=True), argocd_wrote_s=900.0).sync


def test_time_to_come_at_which_argocd_is_said_to_write_does_not_hold_up_syncs() -> None:
    assert not due(application(), argocd_wrote_s=1000.0 + 3599.0).sync
    assert due(application(), argocd_wrote_s=1000.0 + 3601.0).sync


def test_drift_is_healed_only_where_that_is_allowed() -> None:
    assert not due(application(), synced(0.0)).sync

    healed = due(HEALS, synced(0.0))

    assert (True, True, (Heal(X.key, 1, 1000.0),)) == (healed.sync, healed.healing, healed.healed)


def test_content_that_others_own_is_adopted_as_drift_is_healed() -> None:
    assert due(application(), todo=PlannedWork(adopts=1)).sync
    assert not due(application(), synced(0.0), todo=PlannedWork(adopts=1)).sync
    assert due(HEALS, synced(0.0), todo=PlannedWork(adopts=1)).sync


@pytest.mark.parametrize(("heals", "wait_s"), [(0, 5.0), (1, 15.0), (2, 45.0), (3, 135.0), (4, 300.0), (5000, 300.0)])
def test_drift_that_comes_back_is_healed_ever_later(heals: int, wait_s: float) -> None:
    last = synced(1000.0, healed=healed(heals))

    early = due(HEALS, last, 1000.0 + wait_s - 1)
    late = due(HEALS, last, 1000.0 + wait_s)

    assert (False, 1.0) == (early.sync, early.again_after_s)
    assert (True, heals + 1) == (late.sync, late.healed[0].times)


def healed(times: int, at_s: float = 1000.0) -> tuple[Heal, ...]:
    return (Heal(X.key, times, at_s),) if times else ()


def test_what_drifts_for_the_first_time_does_not_rest_with_what_comes_back() -> None:
    other = Task(config_key("y"), TaskVerb.APPLY)
    last = synced(1000.0, healed=healed(4))

    found = due(HEALS, last, 1005.0, PlannedWork((X, other), drift=2))

    assert (True, frozenset({X.key})) == (found.sync, found.resting)
    assert (*healed(4), Heal(other.key, 1, 1005.0)) == found.healed


def test_drift_after_a_calm_time_is_healed_at_once() -> None:
    found = due(HEALS, synced(0.0, healed=healed(4, 0.0)), 1000.0)

    assert (True, healed(1)) == (found.sync, found.healed)


def test_clock_that_stepped_back_does_not_stop_healing() -> None:
    assert due(HEALS, synced(1e9, healed=healed(4, 1e9)), 1000.0).sync


def test_what_was_put_off_is_done_without_self_heal_after_a_rest() -> None:
    last = synced(999.0, put_off=True)

    assert (False, 4.0) == ((early := due(application(), last)).sync, early.again_after_s)
    assert (True, False) == ((late := due(application(), last, 1005.0)).sync, late.healing)


def failed(**fields: Any) -> LastSync:
    return synced(**{"succeeded": False, "ended_s": 1000.0, **fields})


@pytest.mark.parametrize(
    ("retries", "wait_s"), [(0, 5.0), (1, 10.0), (2, 20.0), (3, 40.0), (4, 80.0), (5, 160.0), (6, 300.0), (9000, 300.0)]
)
def test_content_that_failed_is_tried_again_as_argo_cd_does_and_then_ever_later(retries: int, wait_s: float) -> None:
    last = failed(retries=retries, failing_since_s=7.0)

    early = due(application(), last, 1000.0 + wait_s - 1)
    late = due(application(), last, 1000.0 + wait_s)

    assert (False, 1.0) == (early.sync, early.again_after_s)
    assert (True, retries + 1, 7.0, True) == (late.sync, late.retries, late.failing_since_s, late.hooks)


@pytest.mark.parametrize("retries", [4, 5, 9000])
def test_what_has_no_answer_is_asked_once_a_minute(retries: int) -> None:
    last = failed(retries=retries, unanswered=True)

    assert (False, 60.0) == ((early := due(application(), last, 1000.0)).sync, early.again_after_s)
    assert due(application(), last, 1060.0).sync


def test_what_has_no_answer_is_asked_as_a_policy_of_its_own_says() -> None:
    app = application(sync_policy=replace(AUTOMATED, retry=Retry(limit=-1)))

    assert 180.0 == due(app, failed(retries=9, unanswered=True), 1000.0).again_after_s


def test_hook_that_was_run_and_failed_is_run_no_more_often_than_argo_cd_would() -> None:
    assert due(application(), failed(retries=4, hook_failed=True), 1e6).sync
    assert not due(application(), failed(retries=5, hook_failed=True), 1e6).sync


@pytest.mark.parametrize(("retries", "wait_s"), [(0, 5.0), (1, 15.0), (3, 135.0), (4, 300.0), (9000, 300.0)])
@pytest.mark.parametrize("retry", [None, Retry(limit=0)])
def test_heal_that_failed_is_tried_again_without_end(retries: int, wait_s: float, retry: Retry | None) -> None:
    app = replace(HEALS, sync_policy=replace(HEALS.sync_policy, retry=retry))
    last = failed(retries=retries, healing=True, healed=healed(2), left=(X.key,))

    early = due(app, last, 1000.0 + wait_s - 1)
    late = due(app, last, 1000.0 + wait_s)

    assert (False, 1.0) == (early.sync, early.again_after_s)
    assert (True, True, healed(2), retries + 1) == (late.sync, late.healing, late.healed, late.retries)
    assert not late.hooks


def test_heal_that_failed_is_not_tried_again_where_self_heal_is_off_by_now() -> None:
    assert not due(application(), failed(healing=True), 1e6).sync


def test_second_drift_does_not_wait_for_a_heal_that_is_refused() -> None:
    refused, other = X, Task(config_key("y"), TaskVerb.APPLY)
    last = failed(healing=True, healed=healed(1), retries=7, failing_since_s=7.0, left=(refused.key,))

    alone = due(HEALS, last, 1020.0, PlannedWork((refused,), drift=1))
    both = due(HEALS, last, 1020.0, PlannedWork((refused, other), drift=2))
    ended = due(HEALS, replace(last, terminated=True), 1020.0, PlannedWork((refused, other), drift=2))

    assert (False, True, False) == (alone.sync, both.sync, ended.sync)
    assert ([2, 1], 7, 7.0) == ([each.times for each in both.healed], both.retries, both.failing_since_s)


@pytest.mark.parametrize(("retries", "wait_s"), [(0, 5.0), (1, 10.0), (2, 20.0), (10_000, 180.0)])
def test_content_that_failed_is_retried_as_its_policy_says(retries: int, wait_s: float) -> None:
    app = application(sync_policy=replace(AUTOMATED, retry=Retry(limit=-1)))

    early = due(app, failed(retries=retries), 1000.0 + wait_s - 1)
    late = due(app, failed(retries=retries), 1000.0 + wait_s)

    assert (False, 1.0) == (early.sync, early.again_after_s)
    assert (True, retries + 1) == (late.sync, late.retries)


@pytest.mark.parametrize(
    ("limit", "last"),
    [(5, failed(retries=5)), (0, failed()), (-1, failed(terminated=True))],
)
def test_retries_end(limit: int, last: LastSync) -> None:
    app = application(sync_policy=replace(AUTOMATED, retry=Retry(limit=limit)))

    assert not due(app, last, 1e6).sync


def test_request_is_refused_only_where_nothing_may_be_written() -> None:
    assert "" == request_refused(SyncRequest(), Mode.ENFORCE)
    assert "observe" in request_refused(SyncRequest(), Mode.OBSERVE)
    assert "" == request_refused(SyncRequest(dry_run=True), Mode.OBSERVE)


def operation(**fields: Any) -> Operation:
    defaults: dict[str, Any] = {"phase": OperationPhase.SUCCEEDED, "finished_s": 7.0, "cause": OperationCause.CONTENT}
    return Operation("id", AppName("shop"), ClusterId("c"), NEW, (), **{"tasks": (), **defaults, **fields})


def test_last_sync_is_read_from_the_last_operation() -> None:
    waiting = Task(config_key(), TaskVerb.PRUNE, state=TaskState.PENDING, wait=WaitReason.KEPT, message="waits")

    done = Task(config_key("done"), TaskVerb.APPLY, state=TaskState.DONE)
    left = (waiting.key,)

    assert LastSync(NEW, succeeded=True, ended_s=7.0) == last_sync(operation())
    assert LastSync(NEW, succeeded=True, ended_s=7.0, put_off=True) == last_sync(operation(tasks=(waiting,)))
    assert LastSync(
        NEW, succeeded=False, ended_s=7.0, retries=2, put_off=True, terminated=True, failing_since_s=3.0, left=left
    ) == last_sync(
        operation(
            phase=OperationPhase.FAILED,
            end=EndReason.TERMINATED,
            retries=2,
            tasks=(done, waiting),
            failing_since_s=3.0,
        )
    )
    assert (first := last_sync(operation(phase=OperationPhase.FAILED))) is not None
    assert 7.0 == first.failing_since_s


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": OperationScope(dry_run=True)},
        {"scope": OperationScope(selective=True)},
        {"phase": OperationPhase.FAILED, "end": EndReason.SUPERSEDED},
        {"phase": OperationPhase.ERROR, "end": EndReason.REFUSED},
    ],
    ids=["dry run", "some objects", "superseded", "refused"],
)
def test_partial_sync_keeps_what_the_whole_one_before_it_tried(fields: Any) -> None:
    assert last_sync(operation(**fields)) is None

    before = failed(target=OLD, retries=3, terminated=True, left=(config_key(),))

    stored = operation_from_json(orjson.loads(orjson.dumps(operation_to_json(carrying(operation(**fields), before)))))

    assert replace(before, ended_s=7.0) == last_sync(stored)


def test_cluster_that_did_not_answer_says_nothing_against_the_content() -> None:
    last = last_sync(operation(phase=OperationPhase.ERROR))

    assert due(application(), last, 1000.0).sync


def test_content_that_comes_back_after_a_superseded_sync_is_new() -> None:
    assert due(application(), last_sync(operation(phase=OperationPhase.FAILED, end=EndReason.SUPERSEDED))).sync


@pytest.mark.parametrize("running", [None, operation(phase=OperationPhase.RUNNING)])
def test_operation_that_is_not_over_says_nothing(running: Any) -> None:
    assert last_sync(running) is None

"""What an Argo CD client reads of an application."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.api.argocd_json import application_json, operation_state_json
from gitopsd.core.declaration import application_from
from gitopsd.model.application import Application, Origin
from gitopsd.model.comparison import Absent, Compared, Comparison, Pair, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, Revision, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import EndReason, Operation, OperationPhase, SyncPhase, Task, TaskState, TaskVerb
from gitopsd.model.status import AppStatus, Condition, HistoryEntry

SHA = Revision("a" * 40)
KEY = ResourceKey("apps", "Deployment", "shop", "web")
OLD = ResourceKey("", "ConfigMap", "shop", "old")
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}


def app(**source: Any) -> Application:
    return application_from(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "shop", "labels": {"team": "a"}, "managedFields": [{}]},
            "spec": {
                "source": {"repoURL": "https://git.example/x", "path": ".", **source},
                "destination": {"name": "prod"},
            },
        },
        Origin("dir:/apps"),
    )


def operation(*tasks: Task) -> Operation:
    return Operation(
        id="op1",
        app=AppName("shop"),
        cluster=ClusterId("prod"),
        target=TargetHash("t"),
        revisions=(SHA,),
        tasks=tasks,
        phase=OperationPhase.SUCCEEDED,
        end=EndReason.COMPLETED,
        message="done",
        started_s=1_700_000_000.9,
        finished_s=1_700_000_003.0,
    )


def status(**changed: Any) -> AppStatus:
    compared = Compared(
        Pair(KEY, TARGET, Absent()), SyncStatus.OUT_OF_SYNC, reason="missing", health=Health(HealthStatus.MISSING)
    )
    comparison = Comparison(SyncStatus.OUT_OF_SYNC, Health(HealthStatus.MISSING), (compared,), TargetHash("t"))
    return replace(
        AppStatus(comparison, (SHA,), ClusterId("prod"), reconciled_s=1_700_000_010.0, epoch_s=1_700_000_000.0),
        **changed,
    )


def shown(**changed: Any) -> dict[str, Any]:
    """Return the status as a client gets it, through JSON."""
    found: dict[str, Any] = json.loads(json.dumps(application_json(app(), status(**changed), (), 1_700_000_020.0)))
    return found["status"]  # type: ignore[no-any-return]


def test_application_before_its_first_pass_is_unknown() -> None:
    found = application_json(app(), None, (), 0.0)

    assert {"name": "shop", "labels": {"team": "a"}} == found["metadata"]
    assert "default" == found["spec"]["project"]
    assert {"status": "Unknown"} == found["status"]["sync"]
    assert "Unknown" == found["status"]["health"]["status"]


def test_sync_health_and_resources_are_where_argo_cd_has_them() -> None:
    found = shown()

    assert ("OutOfSync", SHA) == (found["sync"]["status"], found["sync"]["revision"])
    assert {"name": "prod"} == found["sync"]["comparedTo"]["destination"]
    assert {"status": "Missing"} == found["health"]
    assert [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "status": "OutOfSync",
            "health": {"status": "Missing"},
            "reason": "missing",
        }
    ] == found["resources"]
    assert "2023-11-14T22:13:30Z" == found["reconciledAt"]
    assert 20.0 == found["gitopsd"]["epochAgeSeconds"]


@pytest.mark.parametrize(
    ("compared_s", "ended_s", "shown_at"),
    [
        (1_700_000_010.2, 1_700_000_010.8, "2023-11-14T22:13:29Z"),  # the same second, and of before the end
        (1_700_000_009.9, 1_700_000_010.1, "2023-11-14T22:13:29Z"),
        (1_700_000_010.8, 1_700_000_010.2, "2023-11-14T22:13:30Z"),
    ],
)
def test_comparison_of_before_the_end_of_a_sync_is_of_an_earlier_second(
    compared_s: float, ended_s: float, shown_at: str
) -> None:
    found = shown(reconciled_s=compared_s, operation=replace(operation(), finished_s=ended_s))

    assert shown_at == found["reconciledAt"]
    assert (compared_s < ended_s) == (found["reconciledAt"] < found["operationState"]["finishedAt"])


def test_several_sources_have_revisions_and_one_has_a_revision() -> None:
    found = shown(revisions=(SHA, SHA), source_types=("Directory", "Helm"))

    assert [SHA, SHA] == found["sync"]["revisions"]
    assert "revision" not in found["sync"]
    assert ["Directory", "Helm"] == found["sourceTypes"]


def test_operation_shows_what_was_tried() -> None:
    tasks = (
        Task(KEY, TaskVerb.APPLY, state=TaskState.DONE, message="created"),
        Task(OLD, TaskVerb.PRUNE, state=TaskState.DONE),
        Task(replace(OLD, name="kept"), TaskVerb.PRUNE, state=TaskState.SKIPPED),
        Task(replace(OLD, name="bad"), TaskVerb.APPLY, state=TaskState.FAILED, message="refused"),
        Task(replace(OLD, name="later"), TaskVerb.APPLY),
    )

    found = shown(operation=operation(*tasks))["operationState"]

    assert ("Succeeded", "done", "2023-11-14T22:13:20Z") == (found["phase"], found["message"], found["startedAt"])
    assert "Completed" == found["reason"]
    assert {"automated": True} == found["operation"]["initiatedBy"]
    results = {resource["name"]: resource["status"] for resource in found["syncResult"]["resources"]}
    assert {"web": "Synced", "old": "Pruned", "kept": "PruneSkipped", "bad": "SyncFailed"} == results


def test_history_shows_the_syncs_that_succeeded_with_their_ids() -> None:
    good = HistoryEntry(0, (SHA,), 1.0, 2.0, "ann", "Succeeded", "", "t", ({"repoURL": "https://u:pw@git/x"},))
    bad = replace(good, id=1, phase="Failed")

    (entry,) = application_json(app(), None, (good, bad), 0.0)["status"]["history"]

    assert (0, SHA, {"username": "ann"}) == (entry["id"], entry["revision"], entry["initiatedBy"])
    assert "https://***@git/x" == entry["source"]["repoURL"]


def test_conditions_carry_their_remedy_and_declaration_warnings_are_among_them() -> None:
    condition = Condition("ComparisonError", "no path", "make it")
    odd = app(chart="x")

    found = application_json(odd, status(conditions=(condition, condition)), (), 0.0)["status"]["conditions"]

    assert [
        {"type": "ComparisonError", "message": "no path; make it"},
        {"type": "DeclarationWarning", "message": odd.warnings[0]},
    ] == found


def test_no_password_of_a_repository_url_is_shown_anywhere() -> None:
    secret = app(repoURL="https://u:hunter2@git.example/x")
    told = status(
        operation=operation(), conditions=(Condition("ComparisonError", "https://u:hunter2@git.example/x is gone"),)
    )

    assert "hunter2" not in json.dumps(application_json(secret, told, (), 0.0))


def test_deletion_has_its_time() -> None:
    found = application_json(app(), None, (), 0.0, deleting_s=1_700_000_000.0)

    assert "2023-11-14T22:13:20Z" == found["metadata"]["deletionTimestamp"]


def test_hook_is_shown_with_its_phase_and_without_a_sync_status() -> None:
    job = ResourceKey("batch", "Job", "prod", "migrate")
    shown = operation_state_json(operation(Task(job, TaskVerb.HOOK, SyncPhase.PRE_SYNC, state=TaskState.APPLIED)), [])

    (found,) = shown["syncResult"]["resources"]
    assert ("PreSync", "PreSync", "Running", None) == (
        found["hookType"],
        found["syncPhase"],
        found["hookPhase"],
        found.get("status"),
    )

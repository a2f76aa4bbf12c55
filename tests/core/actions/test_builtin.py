"""Actions on Kubernetes' own kinds: what is offered when, and what each changes."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.actions.builtin import TABLE, builtin_actions, builtin_outcome
from gitopsd.core.objects.patches import merge_patch_between
from gitopsd.errors import BadRequest
from gitopsd.model.manifest import Manifest
from tests.core.frozen import frozen

NOW_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z
AT = "2023-11-14T22:13:20Z"


def thing(kind: str, status: dict[str, Any] | None = None, **spec: Any) -> Manifest:
    group = "batch" if kind in {"Job", "CronJob"} else "apps"
    meta = {"name": "web", "namespace": "shop", "uid": "u1"}
    found = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": meta, "spec": spec}
    live: Manifest = frozen(found if status is None else {**found, "status": status})
    return live


def offered(live: Manifest) -> list[str]:
    """Return the names of what is offered, with "-" before what is disabled."""
    return [("-" if action.disabled else "") + action.name for action in builtin_actions(live)]


def patch(live: Manifest, action: str, **params: str) -> Any:
    outcome = builtin_outcome(live, action, params, NOW_S)
    assert outcome is not None
    assert not outcome.create
    return merge_patch_between(live, outcome.manifest)


def ended(kind: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True"}]}


@pytest.mark.parametrize(
    ("live", "actions"),
    [
        (thing("Deployment"), ["restart", "pause", "-resume", "scale"]),
        (thing("Deployment", paused=True), ["restart", "-pause", "resume", "scale"]),
        (thing("StatefulSet"), ["restart", "scale"]),
        (thing("DaemonSet"), ["restart"]),
        (thing("ReplicaSet"), []),
        (thing("CronJob"), ["create-job", "suspend"]),
        (thing("CronJob", suspend=True), ["create-job", "resume"]),
        (thing("Job"), ["suspend"]),
        (thing("Job", {"active": 1}), ["suspend", "terminate"]),
        (thing("Job", {"active": 1}, suspend=True), ["resume", "terminate"]),
        *((thing("Job", ended(kind)), []) for kind in ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")),
        (thing("Job", {"conditions": [{"type": "Failed", "status": "False"}]}), ["suspend", "terminate"]),
        ({"apiVersion": "apps.example/v1", "kind": "Deployment", "metadata": {}}, []),
    ],
)
def test_what_is_offered_follows_the_object(live: Manifest, actions: list[str]) -> None:
    assert actions == offered(live)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_restart_marks_the_template(kind: str) -> None:
    for template in ({}, {"metadata": {"labels": {"app": "web"}}}, {"metadata": None}):
        wanted = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": AT}}}}}
        assert wanted == patch(thing(kind, template=template), "restart")


@pytest.mark.parametrize(
    ("live", "action", "wanted"),
    [
        (thing("Deployment"), "pause", {"spec": {"paused": True}}),
        (thing("Deployment", paused=True), "resume", {"spec": {"paused": None}}),
        (thing("Deployment"), "resume", {}),
        (thing("CronJob", schedule="@daily"), "suspend", {"spec": {"suspend": True}}),
        (thing("CronJob", suspend=True), "resume", {"spec": {"suspend": False}}),
        (thing("Job"), "suspend", {"spec": {"suspend": True}}),
        (thing("Job", suspend=True), "resume", {"spec": {"suspend": False}}),
        (thing("Job", ended("Complete")), "terminate", {}),
    ],
)
def test_action_changes_one_field(live: Manifest, action: str, wanted: Any) -> None:
    assert wanted == patch(live, action)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_scale_takes_a_whole_number(kind: str) -> None:
    assert {"spec": {"replicas": 0}} == patch(thing(kind, replicas=3), "scale", replicas="0")
    for text in ("", "-1", "1.5", "many", "9" * 20, str(1 << 31), "\u0661"):
        with pytest.raises(BadRequest, match="replicas is"):
            patch(thing(kind), "scale", replicas=text)
    with pytest.raises(BadRequest):
        patch(thing(kind), "scale")


def test_job_is_made_of_a_cron_job() -> None:
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": {"backoffLimit": 1}}
    outcome = builtin_outcome(thing("CronJob", jobTemplate=template), "create-job", {}, NOW_S)

    assert outcome is not None
    assert outcome.create
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "web", "uid": "u1"}
    assert {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "web-2311142213",
            "namespace": "shop",
            "labels": {"a": "b"},
            "annotations": {"c": "d", "cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {"backoffLimit": 1},
    } == outcome.manifest


def test_job_that_is_terminated_fails_by_its_status_alone() -> None:
    running = {"active": 1, "conditions": [{"type": "Suspended", "status": "False"}]}
    changed = patch(thing("Job", running), "terminate")

    assert ["status"] == list(changed)
    old, new = changed["status"]["conditions"]
    assert running["conditions"] == [old]
    assert ("FailureTarget", "True", "ManuallyTerminated", AT) == tuple(
        new[field] for field in ("type", "status", "reason", "lastTransitionTime")
    )


def test_action_that_a_kind_has_not_is_none() -> None:
    assert builtin_outcome(thing("DaemonSet"), "scale", {"replicas": "1"}, NOW_S) is None
    assert builtin_outcome({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "restart", {}, NOW_S) is None


def test_each_name_is_there_once() -> None:
    for rows in TABLE.values():
        names = [row.offer.name for row in rows]
        assert sorted(set(names)) == sorted(names)

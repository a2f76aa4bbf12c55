"""What actions write, on each kind of server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.apply.action_writes import ActionWrites, Decide
from gitopsd.apply.live_edits import EditTarget
from gitopsd.apply.run import ClusterApplier
from gitopsd.core.actions.builtin import builtin_outcome
from gitopsd.core.target.tracking import Tracking
from gitopsd.errors import BadRequest, Conflict, GitopsError, NotFound, NotPermitted
from gitopsd.kube.client import KubeClient
from gitopsd.model.action import ActionOutcome
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import Manifest, ResourceKey
from tests.contract.applying import HERE, MERGE, accepted, config_map, deployment, live, pod, ref
from tests.kube.kit import CONFIG_MAP, DEPLOYMENT, NAMESPACE, SECRET, resource, served

JOB = resource("batch", "v1", "Job", "jobs")
CRON_JOB = resource("batch", "v1", "CronJob", "cronjobs")
NOW_S = 1_700_000_000.0


@pytest.fixture
def applier(client: KubeClient) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(CONFIG_MAP, SECRET, NAMESPACE, DEPLOYMENT, JOB, CRON_JOB), ())


async def made(applier: ClusterApplier, manifest: Manifest) -> EditTarget:
    await accepted(applier, manifest)
    return EditTarget(HERE, ref(manifest), Uid((await live(applier, manifest))["metadata"]["uid"]))


def returns(*outcomes: ActionOutcome) -> Decide:
    async def decide(_: Manifest) -> Sequence[ActionOutcome]:
        return outcomes

    return decide


def builtin(action: str, **params: str) -> Decide:
    async def decide(found: Manifest) -> Sequence[ActionOutcome]:
        outcome = builtin_outcome(found, action, params, NOW_S)
        assert outcome is not None
        return [outcome]

    return decide


def nobody(_: ResourceKey) -> str:
    return ""


def tracked(namespace: str) -> dict[str, Any]:
    settings = config_map(namespace)
    text = f"shop:/ConfigMap:{namespace}/settings"
    return {**settings, "metadata": {**settings["metadata"], "annotations": {"gitopsd.io/tracking-id": text}}}


def cron_job(namespace: str, image: str = "web:1", **spec: Any) -> Manifest:
    template = {"spec": {**pod(image=image)["spec"], "restartPolicy": "Never"}}
    meta = {"name": "tidy", "namespace": namespace}
    more = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": more}


def another(namespace: str, name: str = "other", **meta: Any) -> Manifest:
    other = config_map(namespace, name)
    return {**other, "metadata": {**other["metadata"], **meta}}


async def test_deployment_is_restarted_scaled_paused_and_resumed(applier: ClusterApplier, namespace: str) -> None:
    web = deployment(namespace, replicas=1)
    target, writes = await made(applier, web), ActionWrites(applier)
    for action, params in (("restart", {}), ("scale", {"replicas": "3"}), ("pause", {}), ("resume", {})):
        await writes.run(target, builtin(action, **params), nobody)
    found = await live(applier, web)

    annotations = found["spec"]["template"]["metadata"]["annotations"]
    assert {"kubectl.kubernetes.io/restartedAt": "2023-11-14T22:13:20Z"} == annotations
    assert (3, False) == (found["spec"]["replicas"], found["spec"].get("paused", False))
    assert {"gitopsd", "gitopsd-api"} <= {entry["manager"] for entry in found["metadata"]["managedFields"]}


async def test_job_is_made_of_a_cron_job_once_a_minute(applier: ClusterApplier, namespace: str) -> None:
    target = await made(applier, cron_job(namespace))
    asked: list[ResourceKey] = []

    def user_of(key: ResourceKey) -> str:
        asked.append(key)
        return ""

    await ActionWrites(applier).run(target, builtin("create-job"), user_of)
    key = ResourceKey("batch", "Job", namespace, "tidy-2311142213")
    job = await applier.read(HERE, replace(target.ref, key=key, gvk=JOB.gvk))

    assert job is not None
    assert [("CronJob", target.uid)] == [(each["kind"], each["uid"]) for each in job["metadata"]["ownerReferences"]]
    assert [key] == asked
    with pytest.raises(Conflict, match="already exists"):
        await ActionWrites(applier).run(target, builtin("create-job"), user_of)
    running = EditTarget(HERE, replace(target.ref, key=key, gvk=JOB.gvk), Uid(job["metadata"]["uid"]))
    await ActionWrites(applier).run(running, builtin("suspend"), nobody)
    assert (await applier.read(HERE, running.ref) or {})["spec"]["suspend"]


async def test_status_is_written_where_a_kind_has_it_apart(applier: ClusterApplier, namespace: str) -> None:
    tidy = cron_job(namespace)
    target = await made(applier, tidy)

    async def decide(found: Manifest) -> Sequence[ActionOutcome]:
        status = {**(found.get("status") or {}), "lastScheduleTime": "2023-11-14T22:13:20Z"}
        return [
            ActionOutcome({**found, "spec": cron_job(namespace, image="web:2", suspend=True)["spec"], "status": status})
        ]

    await ActionWrites(applier).run(target, decide, nobody)
    found = await live(applier, tidy)
    [container] = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert (True, "web:2") == (found["spec"]["suspend"], container["image"])
    assert "2023-11-14T22:13:20Z" == found["status"]["lastScheduleTime"]


async def test_status_of_a_kind_without_one_is_a_field_like_others(applier: ClusterApplier, namespace: str) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)

    async def decide(found: Manifest) -> Sequence[ActionOutcome]:
        return [ActionOutcome({**found, "status": {"a": "b"}, "data": {"a": "2"}})]

    await ActionWrites(applier).run(target, decide, nobody)
    assert {"a": "2"} == (await live(applier, settings))["data"]


async def test_list_that_was_written_meanwhile_is_decided_anew(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    seen: list[Any] = []

    async def decide(found: Manifest) -> Sequence[ActionOutcome]:
        seen.append(found["data"])
        if len(seen) < 3:
            other = {"data": {"by": f"somebody {len(seen)}"}}
            assert (await client.request("PATCH", path, body=other, content_type=MERGE)).ok
        meta = {**found["metadata"], "finalizers": ["example.org/one"]}
        return [ActionOutcome({**found, "metadata": meta, "data": {**found["data"], "a": "2"}})]

    await ActionWrites(applier).run(target, decide, nobody)
    changed = await live(applier, settings)
    assert {"a": "2", "by": "somebody 2"} == changed["data"]
    assert 3 == len(seen)
    assert (await client.request("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE)).ok


async def test_fields_are_written_whatever_others_write_beside(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)

    async def decide(found: Manifest) -> Sequence[ActionOutcome]:
        path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
        assert (await client.request("PATCH", path, body={"data": {"by": "somebody"}}, content_type=MERGE)).ok
        return [ActionOutcome({**found, "data": {**found["data"], "a": "2"}})]

    await ActionWrites(applier).run(target, decide, nobody)
    assert {"a": "2", "by": "somebody"} == (await live(applier, settings))["data"]


async def test_nothing_is_written_unless_all_that_is_made_would_be_taken(
    applier: ClusterApplier, namespace: str
) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)
    found = await live(applier, settings)
    changed = ActionOutcome({**found, "data": {"a": "2"}})
    broken = ActionOutcome({**another(namespace, "broken"), "data": {"a": 1}}, create=True)
    fine = ActionOutcome(another(namespace), create=True)
    with pytest.raises(BadRequest):
        await ActionWrites(applier).run(target, returns(changed, fine, broken), nobody)
    assert {"a": "1"} == (await live(applier, settings))["data"]
    assert await applier.read(HERE, ref(another(namespace))) is None

    await ActionWrites(applier).run(target, returns(changed, fine), nobody)
    assert {"a": "2"} == (await live(applier, settings))["data"]
    assert await applier.read(HERE, ref(another(namespace))) is not None


async def test_what_the_project_does_not_permit_is_not_made(applier: ClusterApplier, namespace: str) -> None:
    target = await made(applier, tracked(namespace))

    def user_of(key: ResourceKey) -> str:
        raise NotPermitted(f"project web does not permit {key}", remedy="see it")

    with pytest.raises(NotPermitted, match="does not permit /ConfigMap"):
        await ActionWrites(applier).run(target, returns(ActionOutcome(another(namespace), create=True)), user_of)
    assert await applier.read(HERE, ref(another(namespace))) is None


def bad(namespace: str) -> list[tuple[type[GitopsError], ActionOutcome]]:
    settings, theirs = tracked(namespace), {"gitopsd.io/tracking-id": f"bank:/ConfigMap:{namespace}/other"}
    away = {"gitopsd.io/tracking-id": f"bank:/ConfigMap:{namespace}/settings"}
    return [
        (NotPermitted, ActionOutcome(another(namespace, annotations=theirs), create=True)),
        (NotPermitted, ActionOutcome(another(namespace, "settings", annotations=away))),
        (NotPermitted, ActionOutcome(another(namespace, "settings"))),
        (BadRequest, ActionOutcome(another(namespace))),
        (BadRequest, ActionOutcome({**settings, "kind": "Secret"})),
        (BadRequest, ActionOutcome({**settings, "apiVersion": None})),
        (BadRequest, ActionOutcome({**settings, "metadata": "x"})),
        (BadRequest, ActionOutcome(another(namespace, "settings", annotations=["x"]))),
        (BadRequest, ActionOutcome(another(namespace, "settings", labels="x"))),
        (BadRequest, ActionOutcome({**another(namespace), "metadata": {"namespace": namespace}}, create=True)),
        (BadRequest, ActionOutcome({**settings, "kind": "Unknown", "apiVersion": "example.org/v1"}, create=True)),
        (Conflict, ActionOutcome(settings, create=True)),
    ]


@pytest.mark.parametrize("number", range(12))
async def test_what_an_action_may_not_return_changes_nothing(
    applier: ClusterApplier, namespace: str, number: int
) -> None:
    kind, outcome = bad(namespace)[number]
    settings = tracked(namespace)
    target = await made(applier, settings)
    before = await live(applier, settings)
    with pytest.raises(kind):
        await ActionWrites(applier).run(target, returns(outcome), nobody)

    assert before == await live(applier, settings)
    assert await applier.read(HERE, ref(another(namespace))) is None


async def test_object_is_changed_once(applier: ClusterApplier, namespace: str) -> None:
    target = await made(applier, tracked(namespace))
    twice = ActionOutcome(tracked(namespace))
    with pytest.raises(BadRequest, match="twice"):
        await ActionWrites(applier).run(target, returns(twice, twice), nobody)


async def test_name_may_be_left_to_the_cluster_and_the_namespace_to_the_object(
    applier: ClusterApplier, client: KubeClient, namespace: str
) -> None:
    target = await made(applier, tracked(namespace))
    new: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "made-", "labels": {"app": "shop"}},
    }
    writes = ActionWrites(applier, Tracking("app", reads_label=True))
    labelled = {**new, "metadata": {**new["metadata"], "labels": {"app": "bank"}}}
    with pytest.raises(NotPermitted):  # another application's
        await writes.run(target, returns(ActionOutcome(labelled, create=True)), nobody)
    await writes.run(target, returns(ActionOutcome(new, create=True)), nobody)
    listed = await client.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")

    assert 1 == sum(item["metadata"]["name"].startswith("made-") for item in listed.body["items"])


async def test_object_that_is_another_one_by_now_is_left_alone(applier: ClusterApplier, namespace: str) -> None:
    settings = tracked(namespace)
    target = replace(await made(applier, settings), uid=Uid("gone"))
    with pytest.raises(NotFound):
        await ActionWrites(applier).run(target, returns(ActionOutcome({**settings, "data": {}})), nobody)

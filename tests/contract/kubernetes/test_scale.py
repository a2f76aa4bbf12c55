"""The scale subresource: a workload's replicas, written by those who know nothing else of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.api import AGGREGATED, JSON_PATCH, Api, manager_of
from tests.contract.kubernetes.objects import deployment, deployments

REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}


def scale(replicas: Any, name: str = "d", **metadata: Any) -> dict[str, Any]:
    meta = {"name": name, **metadata}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {"replicas": replicas}}


@pytest.fixture
async def path(api: Api, namespace: str) -> str:
    """The path of a paused Deployment "d" of one replica."""
    body = deployment("d", paused=True, replicas=1)
    (await api.post(deployments(namespace), body, fieldManager="maker")).ok()
    return deployments(namespace, "d")


async def workload(api: Api, path: str) -> Any:
    return (await api.get(path)).ok()


async def test_scale_tells_replicas_and_selector(api: Api, path: str) -> None:
    found = (await api.get(f"{path}/scale")).ok()

    assert ("autoscaling/v1", "Scale") == (found["apiVersion"], found["kind"])
    assert ({"replicas": 1}, "app=d") == (found["spec"], found["status"]["selector"])
    assert (await workload(api, path))["metadata"]["uid"] == found["metadata"]["uid"]
    assert "managedFields" not in found["metadata"]


async def test_selector_is_written_with_its_keys_in_order(api: Api, namespace: str) -> None:
    expressions = [
        {"key": "z", "operator": "NotIn", "values": ["b", "a"]},
        {"key": "b", "operator": "DoesNotExist"},
        {"key": "app", "operator": "Exists"},
    ]
    selector = {"matchLabels": {"app": "d"}, "matchExpressions": expressions}
    body = deployment("d", paused=True, selector=selector)
    (await api.post(deployments(namespace), body)).ok()

    found = (await api.get(f"{deployments(namespace, 'd')}/scale")).ok()

    assert "app=d,app,!b,z notin (a,b)" == found["status"]["selector"]


@pytest.mark.parametrize("how", ["merge patch", "JSON patch", "replace", "apply"])
async def test_replicas_written_through_scale_are_owned_through_it(api: Api, path: str, how: str) -> None:
    at, two = f"{path}/scale", scale(2)
    match how:
        case "merge patch":
            answer = await api.patch(at, {"spec": {"replicas": 2}}, fieldManager="hpa")
        case "JSON patch":
            operation = {"op": "replace", "path": "/spec/replicas", "value": 2}
            answer = await api.patch(at, [operation], JSON_PATCH, fieldManager="hpa")
        case "replace":
            answer = await api.put(at, two, fieldManager="hpa")
        case _:
            answer = await api.apply(at, two, "hpa", force="true")

    found = await workload(api, path)
    operation_name = "Apply" if how == "apply" else "Update"
    assert ({"replicas": 2}, 2) == (answer.ok()["spec"], found["spec"]["replicas"])
    assert REPLICAS == manager_of(found, "hpa", operation_name, "scale")
    assert "f:replicas" not in manager_of(found, "maker", "Update")["f:spec"]


async def test_scale_entry_names_the_workloads_version_and_no_time(api: Api, path: str) -> None:
    (await api.patch(f"{path}/scale", {"spec": {"replicas": 2}}, fieldManager="hpa")).ok()

    entries = (await workload(api, path))["metadata"]["managedFields"]
    (entry,) = (entry for entry in entries if entry["manager"] == "hpa")
    assert {"manager", "operation", "apiVersion", "fieldsType", "fieldsV1", "subresource"} == entry.keys()
    assert "apps/v1" == entry["apiVersion"]


async def test_scaling_to_what_is_there_owns_nothing(api: Api, path: str) -> None:
    before = await workload(api, path)

    (await api.patch(f"{path}/scale", {"spec": {"replicas": 1}}, fieldManager="hpa")).ok()

    after = await workload(api, path)
    assert before["metadata"]["generation"] == after["metadata"]["generation"]
    assert manager_of(after, "hpa", "Update", "scale") is None


async def test_second_entry_that_scale_leaves_an_owner_is_gone_with_the_next_write(api: Api, namespace: str) -> None:
    at = deployments(namespace, "none")
    body = deployment("none", paused=True, replicas=0)
    (await api.post(deployments(namespace), body, fieldManager="maker")).ok()
    (await api.put(f"{at}/scale", scale(0, "none"), fieldManager="maker")).ok()

    (await api.patch(at, {"metadata": {"annotations": None}}, fieldManager="two")).ok()

    (entry,) = (one for one in (await workload(api, at))["metadata"]["managedFields"] if one["manager"] == "maker")
    assert "f:replicas" not in entry["fieldsV1"]["f:spec"]


async def test_applied_replicas_that_scale_owns_conflict(api: Api, path: str) -> None:
    (await api.patch(f"{path}/scale", {"spec": {"replicas": 2}}, fieldManager="hpa")).ok()

    answer = await api.apply(path, deployment("d", paused=True, replicas=3))

    assert (409, "Conflict") == (answer.status, answer.reason)
    assert 'conflict with "hpa" with subresource "scale"' in answer.body["message"]


async def test_scale_that_nobody_owns_was_there_before_the_first_apply(api: Api, path: str) -> None:
    (await api.patch(f"{path}/scale", {"spec": {"replicas": 0}}, fieldManager="hpa")).ok()
    (await api.patch(f"{path}/scale", {"spec": {"replicas": 2}}, fieldManager="hpa")).ok()

    answer = await api.apply(f"{path}/scale", scale(3), "other")

    assert 409 == answer.status
    assert 'conflict with "before-first-apply" with subresource "scale"' in answer.body["message"]


async def test_dry_run_scales_nothing(api: Api, path: str) -> None:
    answer = await api.patch(f"{path}/scale", {"spec": {"replicas": 2}}, dryRun="All")

    assert {"replicas": 2} == answer.ok()["spec"]
    assert 1 == (await workload(api, path))["spec"]["replicas"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (scale(-1), 422),
        (scale(1.5), 400),
        (scale("2"), 400),
        (scale(2, "other"), 400),
        (scale(2, ""), 400),
        (scale(2, namespace="default"), 400),
        (scale(2, resourceVersion="1"), 409),
        (scale(2, uid="00000000-0000-0000-0000-000000000000"), 409),
        (deployment("d"), 400),
    ],
    ids=["below 0", "fraction", "text", "other name", "no name", "other namespace", "stale", "other uid", "other kind"],
)
async def test_wrong_scale_is_refused(api: Api, path: str, body: Any, status: int) -> None:
    assert status == (await api.put(f"{path}/scale", body)).status
    assert 1 == (await workload(api, path))["spec"]["replicas"]


async def test_applied_scale_of_a_fraction_cannot_be_converted(api: Api, path: str) -> None:
    answer = await api.apply(f"{path}/scale", scale(1.5), force="true")

    assert (500, "") == (answer.status, answer.reason)
    assert "failed to convert new object" in answer.body["message"]


async def test_scale_of_an_absent_workload_is_not_found(api: Api, namespace: str) -> None:
    at = f"{deployments(namespace, 'none')}/scale"

    answers = [await api.get(at), await api.put(at, scale(2, "none")), await api.apply(at, scale(2, "none"))]

    assert [404, 404, 404] == [answer.status for answer in answers]


async def test_scale_is_neither_created_nor_deleted(api: Api, path: str) -> None:
    assert 405 == (await api.post(f"{path}/scale", scale(2))).status
    assert 405 == (await api.delete(f"{path}/scale")).status


async def test_kinds_without_replicas_have_no_scale(api: Api, namespace: str) -> None:
    for plural in ("apps/v1/namespaces/{}/daemonsets", "batch/v1/namespaces/{}/jobs"):
        assert 404 == (await api.get(f"/apis/{plural.format(namespace)}/x/scale")).status


async def test_discovery_lists_scale(api: Api) -> None:
    legacy = {r["name"]: r for r in (await api.get("/apis/apps/v1")).ok()["resources"]}
    groups = (await api.get("/apis", accept=AGGREGATED)).ok()["items"]

    apps = next(group for group in groups if group["metadata"]["name"] == "apps")
    found = {
        (r["resource"], sub["subresource"]): sub["responseKind"]["kind"]
        for r in apps["versions"][0]["resources"]
        for sub in r.get("subresources", ())
    }
    for plural in ("deployments", "replicasets", "statefulsets"):
        one = legacy[f"{plural}/scale"]
        assert ("autoscaling", "v1", "Scale") == (one["group"], one["version"], one["kind"])
        assert "Scale" == found[plural, "scale"]
    assert ("daemonsets", "scale") not in found

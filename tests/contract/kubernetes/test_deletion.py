"""Preconditions, finalizers, propagation, owners."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.api import Api, until
from tests.contract.kubernetes.objects import config_map, config_maps, deployment, deployments

HOLD = "example.com/hold"


def owned_by(owner: Any, **more: Any) -> list[dict[str, Any]]:
    meta = owner["metadata"]
    return [{"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"], **more}]


async def test_delete_answers_with_the_deleted_uid(api: Api, namespace: str) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()

    answer = (await api.delete(config_maps(namespace, "a"))).ok()

    assert ("Status", "Success") == (answer["kind"], answer["status"])
    assert {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]} == answer["details"]
    assert 404 == (await api.get(config_maps(namespace, "a"))).status
    assert 404 == (await api.delete(config_maps(namespace, "a"))).status


@pytest.mark.parametrize("wrong", [{"uid": "00000000-0000-0000-0000-000000000000"}, {"resourceVersion": "1"}])
async def test_delete_of_another_than_was_meant_conflicts(api: Api, namespace: str, wrong: dict[str, str]) -> None:
    made = (await api.post(config_maps(namespace), config_map("a"))).ok()
    right = {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}

    refused = await api.delete(config_maps(namespace, "a"), {"preconditions": {**right, **wrong}})

    assert (409, "Conflict") == (refused.status, refused.reason)
    assert 200 == (await api.get(config_maps(namespace, "a"))).status
    assert 200 == (await api.delete(config_maps(namespace, "a"), {"preconditions": right})).status


async def test_finalizer_holds_what_is_deleted(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.post(config_maps(namespace), config_map("a", finalizers=[HOLD]))).ok()

    first = (await api.delete(path)).ok()
    again = await api.delete(path)
    added = await api.patch(path, {"metadata": {"finalizers": [HOLD, "example.com/more"]}})
    held = (await api.get(path)).ok()

    assert ("ConfigMap", 0) == (first["kind"], first["metadata"]["deletionGracePeriodSeconds"])
    assert first["metadata"]["deletionTimestamp"] == held["metadata"]["deletionTimestamp"]
    assert 200 == again.status
    assert (422, "Invalid") == (added.status, added.reason)
    last = (await api.patch(path, {"metadata": {"finalizers": None}})).ok()
    assert "finalizers" not in last["metadata"]
    assert 404 == (await api.get(path)).status


async def test_deletion_timestamp_cannot_be_set_or_removed(api: Api, namespace: str) -> None:
    path = config_maps(namespace, "a")
    (await api.post(config_maps(namespace), config_map("a", finalizers=[HOLD]))).ok()
    ignored = await api.patch(path, {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}})
    (await api.delete(path)).ok()
    (await api.patch(path, {"metadata": {"deletionTimestamp": None}})).ok()

    assert (await api.get(path)).ok()["metadata"]["deletionTimestamp"]
    assert "deletionTimestamp" not in ignored.body.get("metadata", {})
    (await api.patch(path, {"metadata": {"finalizers": None}})).ok()


async def test_background_deletion_takes_the_owner_then_what_it_owned(api: Api, namespace: str) -> None:
    owner = (await api.post(config_maps(namespace), config_map("owner"))).ok()
    (await api.post(config_maps(namespace), config_map("owned", ownerReferences=owned_by(owner)))).ok()

    (await api.delete(config_maps(namespace, "owner"), {"propagationPolicy": "Background"})).ok()

    assert 404 == (await api.get(config_maps(namespace, "owner"))).status
    await api.gone(config_maps(namespace, "owned"))


async def test_foreground_deletion_keeps_the_owner_until_what_it_owned_is_gone(api: Api, namespace: str) -> None:
    owner = (await api.post(config_maps(namespace), config_map("owner"))).ok()
    references = owned_by(owner, blockOwnerDeletion=True, controller=True)
    (await api.post(config_maps(namespace), config_map("owned", ownerReferences=references, finalizers=[HOLD]))).ok()

    deleted = (await api.delete(config_maps(namespace, "owner"), {"propagationPolicy": "Foreground"})).ok()

    assert ["foregroundDeletion"] == deleted["metadata"]["finalizers"]
    owned = config_maps(namespace, "owned")
    await until(lambda: api.get(owned), lambda answer: "deletionTimestamp" in answer.body["metadata"])
    assert 200 == (await api.get(config_maps(namespace, "owner"))).status
    (await api.patch(owned, {"metadata": {"finalizers": None}})).ok()
    await api.gone(config_maps(namespace, "owner"))


async def test_orphaning_deletion_leaves_what_it_owned_without_owner(api: Api, namespace: str) -> None:
    owner = (await api.post(config_maps(namespace), config_map("owner"))).ok()
    (await api.post(config_maps(namespace), config_map("owned", ownerReferences=owned_by(owner)))).ok()

    (await api.delete(config_maps(namespace, "owner"), propagationPolicy="Orphan")).ok()

    await api.gone(config_maps(namespace, "owner"))
    found = (await api.get(config_maps(namespace, "owned"))).ok()
    assert "ownerReferences" not in found["metadata"]


async def test_object_whose_owner_never_was_is_collected(api: Api, namespace: str) -> None:
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-00000000beef"}}
    (await api.post(config_maps(namespace), config_map("owned", ownerReferences=owned_by(ghost)))).ok()

    await api.gone(config_maps(namespace, "owned"))


async def test_object_with_one_living_owner_stays_and_forgets_the_dead(api: Api, namespace: str) -> None:
    one = (await api.post(config_maps(namespace), config_map("one"))).ok()
    two = (await api.post(config_maps(namespace), config_map("two"))).ok()
    references = owned_by(one) + owned_by(two)
    (await api.post(config_maps(namespace), config_map("owned", ownerReferences=references))).ok()

    (await api.delete(config_maps(namespace, "one"), {"propagationPolicy": "Background"})).ok()

    found = await until(
        lambda: api.get(config_maps(namespace, "owned")),
        lambda answer: len(answer.body["metadata"]["ownerReferences"]) == 1,
    )
    assert owned_by(two) == found.body["metadata"]["ownerReferences"]


async def test_deployment_makes_replica_set_and_pods_and_takes_them_along(api: Api, namespace: str) -> None:
    made = (await api.apply(deployments(namespace, "d"), deployment("d", replicas=2))).ok()
    sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    pods = f"/api/v1/namespaces/{namespace}/pods"

    found = await until(lambda: api.get(pods), lambda answer: len(answer.body["items"]) == 2)
    (replicas,) = (await api.get(sets)).ok()["items"]

    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "d",
        "uid": made["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert [owner] == replicas["metadata"]["ownerReferences"]
    assert "pod-template-hash" in replicas["spec"]["selector"]["matchLabels"]
    assert {replicas["metadata"]["uid"]} == {
        pod["metadata"]["ownerReferences"][0]["uid"] for pod in found.body["items"]
    }

    (await api.delete(deployments(namespace, "d"), {"propagationPolicy": "Foreground"})).ok()
    await api.gone(deployments(namespace, "d"))
    assert [] == (await api.get(sets)).ok()["items"]


async def test_propagation_policy_must_be_known(api: Api, namespace: str) -> None:
    (await api.post(config_maps(namespace), config_map("a"))).ok()

    assert 422 == (await api.delete(config_maps(namespace, "a"), {"propagationPolicy": "Sideways"})).status

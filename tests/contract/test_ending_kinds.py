"""An object of a kind whose definition is being deleted: refused for now."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import KubeClient
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Apply, DryRun, Refused
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import GVK, key_of
from tests.clusters import Cluster
from tests.e2e.kinds import definition
from tests.kube.kit import client_of, served

HERE = ClusterId("here")
DEADLINE_S = 60.0
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def test_object_of_a_kind_that_is_being_deleted_is_tried_again(cluster: Cluster, namespace: str) -> None:
    group = f"g{secrets.token_hex(4)}.example.com"
    boats, path = f"/apis/{group}/v1/namespaces/{namespace}/boats", f"{DEFINITIONS}/boats.{group}"
    resource = ApiResource(GVK(group, "v1", "Boat"), "boats", namespaced=True, verbs=frozenset({"get"}), preferred=True)

    def boat(name: str, **meta: Any) -> dict[str, Any]:
        return {
            "apiVersion": f"{group}/v1",
            "kind": "Boat",
            "metadata": {"name": name, "namespace": namespace, **meta},
            "spec": {"size": 1},
        }

    async with client_of(cluster) as client:
        assert (await client.request("POST", DEFINITIONS, body=definition(group))).ok
        await _until(client, "POST", boats, boat("held", finalizers=["example.com/held"]))
        applier = ClusterApplier({HERE: client}, served(resource), ())
        new = boat("new")
        command = Apply(key_of(new), new, TargetHash("1"))
        assert (await client.request("DELETE", path)).ok
        async with asyncio.timeout(DEADLINE_S):
            answer = await applier.run(HERE, command)
            while not isinstance(answer, Refused):
                await asyncio.sleep(0.1)
                answer = await applier.run(HERE, command)
        tried = await applier.run(HERE, DryRun(key_of(new), new))
        freed = boat("held", finalizers=[])
        merge = "application/merge-patch+json"
        assert (await client.request("PATCH", f"{boats}/held", body=freed, content_type=merge)).ok

    assert (True, True) == (answer.retryable, isinstance(tried, Refused) and tried.retryable)
    assert "definition is being deleted" in answer.remedy


async def _until(client: KubeClient, verb: str, path: str, body: dict[str, Any]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not (await client.request(verb, path, body=body)).ok:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)

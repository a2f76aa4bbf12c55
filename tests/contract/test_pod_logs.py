"""Logs and events as a cluster gives them to whoever asks."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.pod_logs import PodLogs
from gitopsd.errors import BadRequest, NotFound, UnknownCluster
from gitopsd.kube.client import KubeClient
from gitopsd.model.ids import ClusterId
from gitopsd.model.logs import LogQuery
from gitopsd.model.manifest import ResourceKey
from tests.clusters import Cluster
from tests.core.lives import live_of

HERE = ClusterId("here")
TEXT = "2026-12-01T05:00:00.5Z first line\n2026-12-01T05:00:01Z second\nno time\n"


async def made(client: KubeClient, namespace: str) -> tuple[ResourceKey, str]:
    meta: dict[str, Any] = {"name": "web", "annotations": {"sim.gitopsd.io/log": TEXT}}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "main", "image": "a"}]},
    }
    reply = await client.request("POST", f"/api/v1/namespaces/{namespace}/pods", body=body)
    assert reply.ok, reply.message
    return ResourceKey("", "Pod", namespace, "web"), str(reply.body["metadata"]["uid"])


@pytest.mark.parametrize("follow", [False, True])
async def test_lines_are_told_with_their_times(
    client: KubeClient, namespace: str, cluster: Cluster, *, follow: bool
) -> None:
    pod, _ = await made(client, namespace)
    logs = PodLogs({HERE: client})
    lines = [line async for line in await logs.log(HERE, pod, LogQuery(follow=follow))]
    if not cluster.simulated:  # no kubelet runs beside the real API server: a Pod that is on no node has no lines
        assert [] == lines
        return
    assert [("2026-12-01T05:00:00.5Z", "first line"), ("2026-12-01T05:00:01Z", "second"), ("", "no time")] == [
        (line.time, line.text) for line in lines
    ]
    for query, texts in (
        (LogQuery(follow=follow, contains="LINE"), ["first line"]),
        (LogQuery(follow=follow, contains="LINE", match_case=True), []),
        (LogQuery(follow=follow, contains="!line"), ["second", "no time"]),
        (LogQuery(follow=follow, until="2026-12-01T05:00:00.7Z"), ["first line"]),
    ):
        some = await logs.log(HERE, pod, query)
        assert texts == [line.text async for line in some]
    with pytest.raises(BadRequest, match="is no time"):
        await logs.log(HERE, pod, LogQuery(until="yesterday"))
    assert {"web"} == {line.pod for line in lines}


async def test_what_is_not_there_is_said_so(client: KubeClient, namespace: str) -> None:
    logs = PodLogs({HERE: client})
    with pytest.raises(NotFound, match="nothing"):
        await logs.log(HERE, ResourceKey("", "Pod", namespace, "nothing"), LogQuery())
    with pytest.raises(UnknownCluster):
        await logs.log(ClusterId("nowhere"), ResourceKey("", "Pod", namespace, "web"), LogQuery())


async def test_events_are_of_one_object(client: KubeClient, namespace: str) -> None:
    key, uid = await made(client, namespace)
    for number, about in enumerate((uid, "another")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"e{number}"},
            "involvedObject": {"kind": "Pod", "name": "web", "namespace": namespace, "uid": about},
            "reason": "Pulled",
        }
        assert (await client.request("POST", f"/api/v1/namespaces/{namespace}/events", body=event)).ok
    events = await PodLogs({HERE: client}).events(HERE, live_of(key, uid=uid))

    assert ["e0"] == [item["metadata"]["name"] for item in events["items"]]

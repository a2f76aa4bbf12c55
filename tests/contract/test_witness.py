"""What a cluster says of an object that failed, asked of a real API server and of the simulated one."""

from __future__ import annotations

from typing import Any

from gitopsd.apply.diagnostics import ClusterDiagnostics
from gitopsd.kube.client import KubeClient
from gitopsd.live.decode import Decoder
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import GVK, key_of
from tests.clusters import Cluster

HERE = ClusterId("here")


async def pod(client: KubeClient, namespace: str, log: str = "") -> LiveObject:
    """Make a Pod with two events, and return it as the mirror keeps it."""
    meta: dict[str, Any] = {"name": "web", "namespace": namespace, "annotations": {"sim.gitopsd.io/log": log}}
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    path = f"/api/v1/namespaces/{namespace}"
    made = await client.request("POST", f"{path}/pods", body=body)
    assert made.ok, made.message
    live = Decoder(()).live(key_of(made.body), made.body)
    for name, about in (("mine", live.uid), ("other", "another")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {"kind": "Pod", "name": "web", "namespace": namespace, "uid": about},
            "type": "Warning",
            "reason": "BackOff",
            "message": f"it is {name}",
            "count": 3,
        }
        told = await client.request("POST", f"{path}/events", body=event)
        assert told.ok, told.message
    return live


async def test_events_of_the_object_are_told_and_no_others(client: KubeClient, namespace: str) -> None:
    live = await pod(client, namespace)

    lines = await ClusterDiagnostics({HERE: client}, lambda *_: (), log_lines=0).evidence(HERE, live)

    assert ["event of Pod web: BackOff: it is mine (3 times)"] == list(lines)


async def test_last_lines_of_the_log_are_told_where_they_can_be_had(
    cluster: Cluster, client: KubeClient, namespace: str
) -> None:
    live = await pod(client, namespace, log="first\nsecond\nthird\n")

    lines = await ClusterDiagnostics({HERE: client}, lambda *_: (), log_lines=2).evidence(HERE, live)

    # No kubelet runs beside the real API server, so it has no log to give: that is left out.
    logs = ["log of Pod web, main: second", "log of Pod web, main: third"] if cluster.simulated else []
    assert logs == list(lines[1:])


async def test_pods_of_an_object_are_asked_too(client: KubeClient, namespace: str) -> None:
    live = await pod(client, namespace)
    owner = Decoder(()).live(
        key_of({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": namespace}}),
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": namespace, "uid": "job"}},
    )
    witness = ClusterDiagnostics({HERE: client}, lambda _, uid: [(GVK("", "v1", "Pod"), live)] * (uid == "job"), 0)

    assert ["event of Pod web: BackOff: it is mine (3 times)"] == list(await witness.evidence(HERE, owner))

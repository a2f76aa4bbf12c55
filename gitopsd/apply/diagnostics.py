"""What a cluster says of an object that failed: its events, and the last lines of its containers' logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gitopsd.core.sync.diagnostics import POD, containers_of, event_lines, pods_of
from gitopsd.core.tree.owners import Child
from gitopsd.errors import GitopsError
from gitopsd.kube.client import TEXT, KubeClient, Reply
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.model.cluster import ApiResource, LiveObject
from gitopsd.model.ids import ClusterId, Uid
from gitopsd.model.manifest import GVK
from gitopsd.runtime.deadline import within

ASK_S = 3.0  # for each answer: a sync must not wait long for what only helps to read its end
MOST_EVENTS = 100  # of one object
LOG_BYTES = 16 << 10  # of one container
NO_VERBS: frozenset[str] = frozenset()
PODS = ApiResource(POD, "pods", namespaced=True, verbs=NO_VERBS, preferred=True)
EVENTS = ApiResource(GVK("", "v1", "Event"), "events", namespaced=True, verbs=NO_VERBS, preferred=True)


@dataclass(frozen=True, slots=True)
class ClusterDiagnostics:
    """Implements `ports.Witness` over the clients of all clusters."""

    clients: Mapping[ClusterId, KubeClient]
    children: Callable[[ClusterId, Uid], Sequence[Child]]  # of the mirror
    log_lines: int  # of one container

    async def evidence(self, cluster: ClusterId, live: LiveObject) -> Sequence[str]:
        client = self.clients.get(cluster)
        if client is None:
            return ()
        gvk = POD if live.key.kind == POD.kind and not live.key.group else GVK(live.key.group, "", live.key.kind)
        pods = pods_of(gvk, live, lambda uid: self.children(cluster, uid))
        lines: list[str] = []
        for described in (live, *(pod for pod in pods if pod.uid != live.uid)):
            lines += await _events(client, described)
        for pod in pods if self.log_lines else ():
            lines += await self._logs(client, pod)
        return lines

    async def _logs(self, client: KubeClient, pod: LiveObject) -> Sequence[str]:
        path = object_path(PODS, pod.key.namespace, pod.key.name)
        answer = await _asked(client, path, {})
        lines: list[str] = []
        for container, previous in containers_of(answer.body) if answer is not None else ():
            query = {"container": container, "tailLines": f"{self.log_lines}", "limitBytes": f"{LOG_BYTES}"}
            log = await _asked(client, f"{path}/log", {**query, **({"previous": "true"} if previous else {})}, TEXT)
            if log is not None and isinstance(log.body, str):
                lines += [f"log of Pod {pod.key.name}, {container}: {line}" for line in log.body.splitlines()]
        return lines


async def _events(client: KubeClient, live: LiveObject) -> Sequence[str]:
    path = collection_path(EVENTS, live.key.namespace or "default")
    answer = await _asked(client, path, {"fieldSelector": f"involvedObject.uid={live.uid}", "limit": f"{MOST_EVENTS}"})
    items: Any = answer.body.get("items") if answer is not None else None
    return event_lines(f"{live.key.kind} {live.key.name}", items or ())


async def _asked(
    client: KubeClient, path: str, query: Mapping[str, str], accept: str = "application/json"
) -> Reply | None:
    """Return the answer; None where there is none, or the server refuses: then it is left out."""
    with suppress(GitopsError):
        asking = client.request("GET", path, query=query, accept=accept)
        reply = await within(ASK_S, f"GET {path} on cluster {client.name}", asking)
        return reply if reply.ok else None
    return None

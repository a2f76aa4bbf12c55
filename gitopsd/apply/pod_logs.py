"""Logs of containers, and events of objects, as people ask for them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitopsd.apply.diagnostics import EVENTS, MOST_EVENTS, PODS
from gitopsd.errors import BadRequest, ClusterRefused, GitopsError, NotFound, UnknownCluster
from gitopsd.kube.client import NO_CONTENT, TEXT, KubeClient, Reply
from gitopsd.kube.paths import collection_path, object_path
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import ClusterId
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import ResourceKey

MOST_BYTES = 10 << 20  # of one container's log that is not followed
IDLE_S = 900.0  # a log may be silent for as long as anybody may follow it
BAD_REQUEST, NOT_FOUND = 400, 404


@dataclass(frozen=True, slots=True)
class PodLogs:
    clients: Mapping[ClusterId, KubeClient]

    async def log(self, cluster: ClusterId, pod: ResourceKey, query: LogQuery) -> AsyncGenerator[LogLine]:
        """Return the lines of a container's log, once the cluster lets them be had.

        Raises:
            NotFound, BadRequest, ClusterRefused: as the cluster refuses, in its words, which name the containers.
            ClusterUnreachable, TooSlow: it does not answer.
        """
        for text in filter(None, (query.since, query.until)):
            _moment(text)
        client = self._client(cluster)
        path = f"{object_path(PODS, pod.namespace, pod.name)}/log"
        parameters = _parameters(query)
        first = {"tailLines": "0"} if query.follow else {"limitBytes": f"{MOST_BYTES}"}
        reply = await client.request("GET", path, query={**parameters, **first}, accept=TEXT)
        if not reply.ok:
            raise _refused(reply, f"the log of Pod {pod.name}")
        if query.follow and reply.code != NO_CONTENT:  # of a Pod that is on no node yet
            lines = _followed(client, path, {**parameters, "follow": "true"}, pod.name)
        else:
            lines = _lines(str(reply.body), pod.name)
        return _asked(lines, query)

    async def events(self, cluster: ClusterId, live: LiveObject) -> Mapping[str, Any]:
        """Return the events of an object, as the cluster lists them. Raises as `log`."""
        path = collection_path(EVENTS, live.key.namespace or "default")
        query = {"fieldSelector": f"involvedObject.uid={live.uid}", "limit": f"{MOST_EVENTS}"}
        reply = await self._client(cluster).request("GET", path, query=query)
        if not reply.ok:
            raise _refused(reply, f"the events of {live.key.kind} {live.key.name}")
        answer: Mapping[str, Any] = reply.body
        return answer

    def _client(self, cluster: ClusterId) -> KubeClient:
        client = self.clients.get(cluster)
        if client is None:
            raise UnknownCluster(f"there is no cluster {cluster}", remedy="see /api/v1/clusters")
        return client


def _parameters(query: LogQuery) -> dict[str, str]:
    given = {
        "container": query.container,
        "tailLines": "" if query.tail is None else f"{query.tail}",
        "sinceSeconds": "" if query.since_s is None else f"{query.since_s}",
        "sinceTime": query.since,
        "previous": "true" if query.previous else "",
        "timestamps": "true",
    }
    return {name: text for name, text in given.items() if text}


async def _asked(lines: AsyncGenerator[LogLine], query: LogQuery) -> AsyncGenerator[LogLine]:
    """Tell those of `lines` that are asked for."""
    async with aclosing(lines):
        async for line in lines:
            if query.until and _is_after(line.time, query.until):
                return
            if query.fits(line.text):
                yield line


def _is_after(time: str, until: str) -> bool:
    """Tell whether a line is of after `until`; one without a time, or with a word that is none, is not."""
    try:
        return _moment(time) > _moment(until)
    except BadRequest:
        return False


def _moment(text: str) -> datetime:
    """Return a time of RFC 3339. Raises BadRequest."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is no time", remedy="write it as 2026-01-31T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _followed(client: KubeClient, path: str, query: Mapping[str, str], pod: str) -> AsyncGenerator[LogLine]:
    async with client.watch(path, query, idle_s=IDLE_S, accept=TEXT) as answer:
        if isinstance(answer, Reply):
            raise _refused(answer, f"the log of Pod {pod}")
        async for batch in answer.batches():
            for line in batch:
                yield _line(line.decode(errors="replace"), pod)


async def _lines(text: str, pod: str) -> AsyncGenerator[LogLine]:
    for line in text.split("\n"):
        if line:
            yield _line(line, pod)


def _line(line: str, pod: str) -> LogLine:
    time, space, text = line.partition(" ")
    return LogLine(pod, text, time) if space and time[:1].isdigit() else LogLine(pod, line, "")


def _refused(reply: Reply, what: str) -> GitopsError:
    kinds: dict[int, type[GitopsError]] = {NOT_FOUND: NotFound, BAD_REQUEST: BadRequest}
    return kinds.get(reply.code, ClusterRefused)(f"{what}: {reply.message}", remedy="ask for what there is")

"""The Kubernetes API spoken plainly: JSON over HTTPS, no client library between the test and the wire."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.clusters import Cluster

DEADLINE_S = 120.0  # for what a controller or the server's caches do a little later
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    status: int
    body: Any  # parsed JSON, or text
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """The machine-readable reason of a refusal; "" when there is none."""
        return str(self.body.get("reason", "")) if isinstance(self.body, dict) else ""

    def ok(self) -> Any:
        """Return the body of a success."""
        assert self.status in (200, 201, 202), self.body
        return self.body


class Watch:
    """The events of one open watch."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._lines = answer.content

    async def next(self) -> tuple[str, Any]:
        """Return the next event's type and object."""
        async with asyncio.timeout(DEADLINE_S):
            line = await self._lines.readline()
        assert line, "the watch ended"
        event = json.loads(line)
        return event["type"], event["object"]

    async def until(self, wanted: Callable[[str, Any], bool]) -> list[tuple[str, Any]]:
        """Return the events up to and including the first that is `wanted`."""
        seen = [await self.next()]
        while not wanted(*seen[-1]):
            seen.append(await self.next())
        return seen

    async def ended(self) -> bool:
        """Wait for the server to end the watch; False when another event comes first."""
        async with asyncio.timeout(DEADLINE_S):
            return not await self._lines.readline()


@dataclass(frozen=True, slots=True)
class Api:
    """One user's session with one API server."""

    session: aiohttp.ClientSession
    token: str

    async def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **more: Any
    ) -> Answer:
        """Send one request; `more` are query parameters, but for `accept`, `agent` and `token`, which are headers."""
        headers = {
            "Authorization": f"Bearer {more.pop('token', self.token)}",
            "Accept": more.pop("accept", "application/json"),
            "Content-Type": content_type,
            "User-Agent": more.pop("agent", "contract/1"),
        }
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        async with self.session.request(method, path, data=data, headers=headers, params=more) as answer:
            text = await answer.read()
            is_json = answer.content_type == "application/json" and text
            return Answer(answer.status, json.loads(text) if is_json else text.decode(), answer.headers)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.send("GET", path, **more)

    async def post(self, path: str, body: Any, **more: Any) -> Answer:
        return await self.send("POST", path, body, **more)

    async def put(self, path: str, body: Any, **more: Any) -> Answer:
        return await self.send("PUT", path, body, **more)

    async def delete(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.send("DELETE", path, body, **more)

    async def patch(self, path: str, body: Any, content_type: str = MERGE_PATCH, **more: Any) -> Answer:
        return await self.send("PATCH", path, body, content_type, **more)

    async def apply(self, path: str, body: Any, manager: str = "gitopsd", **more: Any) -> Answer:
        """Server-side apply; pass force="true" to take over what others own."""
        return await self.send("PATCH", path, body, APPLY_PATCH, fieldManager=manager, **more)

    @asynccontextmanager
    async def watch(self, path: str, *, accept: str = "application/json", **params: Any) -> AsyncIterator[Watch]:
        """Open a watch for the block."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        async with self.session.get(path, params={"watch": "1", **params}, headers=headers) as answer:
            assert 200 == answer.status, await answer.text()
            yield Watch(answer)

    async def gone(self, path: str) -> None:
        """Wait until the object at `path` is no more."""
        await until(lambda: self.get(path), lambda answer: answer.status == 404)


async def until(ask: Callable[[], Awaitable[Answer]], good: Callable[[Answer], bool]) -> Answer:
    """Ask again and again until the answer is `good`; fail after the deadline with the last answer."""
    answer = await ask()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not good(answer):
                await asyncio.sleep(0.05)
                answer = await ask()
    except TimeoutError:
        raise AssertionError(f"still not so: {answer}") from None
    return answer


@asynccontextmanager
async def connect(cluster: Cluster, user: str = "admin") -> AsyncIterator[Api]:
    """Open a session of `user` with `cluster` for the block."""
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=f"{cluster.ca_file}"))
    async with aiohttp.ClientSession(cluster.server, connector=trust) as session:
        yield Api(session, cluster.tokens[user])


def manager_of(obj: Any, manager: str, operation: str = "Apply", subresource: str = "") -> Any:
    """Return the fieldsV1 of one managedFields entry of `obj`; None when there is no such entry."""
    for entry in obj["metadata"].get("managedFields", []):
        if (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, operation, subresource):
            return entry["fieldsV1"]
    return None


def owners_of(obj: Any, *path: str) -> list[str]:
    """Return the managers whose fieldsV1 name the field at `path`, such as "f:spec", "f:replicas"; sorted."""
    entries = obj["metadata"].get("managedFields", [])
    return sorted({entry["manager"] for entry in entries if _names(entry["fieldsV1"], path)})


def _names(fields: Any, path: tuple[str, ...]) -> bool:
    return not path or (path[0] in fields and _names(fields[path[0]], path[1:]))

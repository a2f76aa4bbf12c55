"""Who was deleted in a cluster: every DELETED event of one namespace's ConfigMaps, from a watch of our own."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.clusters import Cluster
from tests.contract.kubernetes.api import Api
from tests.e2e.world import config_map

END = "end-of-the-watch"
ENDLESS = aiohttp.ClientTimeout(total=None)
LINE_BYTES = 4 << 20


class Deletions:
    """Names in the order in which they were deleted; `names` is complete once the block of `watching` has ended."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def follow(self, answer: aiohttp.ClientResponse) -> None:
        async for line in answer.content:
            event = json.loads(line)
            assert event["type"] != "ERROR", event
            name = event["object"]["metadata"]["name"]
            if event["type"] == "DELETED":
                self.names.append(name)
            elif name == END:
                return
        raise AssertionError("the watch ended before its time")


@asynccontextmanager
async def watching(cluster: Cluster, api: Api, namespace: str) -> AsyncIterator[Deletions]:
    """Take note of every deletion from now on, until the block ends."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    listed = (await api.get(path)).ok()
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=f"{cluster.ca_file}"))
    headers = {"Authorization": f"Bearer {cluster.tokens['admin']}"}
    params = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "7000"}
    found = Deletions()
    async with (
        aiohttp.ClientSession(
            cluster.server, connector=trust, timeout=ENDLESS, headers=headers, read_bufsize=LINE_BYTES
        ) as session,
        session.get(path, params=params) as answer,
        asyncio.TaskGroup() as group,
    ):
        assert 200 == answer.status, await answer.text()
        group.create_task(found.follow(answer), name=f"deletions in {cluster.name}")
        yield found
        (await api.post(path, config_map(END))).ok()

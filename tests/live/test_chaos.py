"""Connections are killed, cut and stalled at random while objects change: the mirror comes to what the server has."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import collection_path
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.settings import ClusterSettings, Secret
from tests.clusters import Cluster, clear_faults, order_fault
from tests.kube.kit import client_of, resource
from tests.live.kit import HERE, Running, running
from tests.live.wire import Wire, wire_to

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
FOR_S = 600.0 if SOAK else 1.2  # on each kind of cluster
ROUND_S = 5.0 if SOAK else 0.4  # between two quiet moments
QUIET_S = 90.0  # until what was broken is whole again; the longest wait before a new try is 30 s
KINDS = tuple(
    resource("", "v1", kind, plural)
    for kind, plural in (("ConfigMap", "configmaps"), ("Secret", "secrets"), ("ServiceAccount", "serviceaccounts"))
)
Versions = dict[ResourceKey, str]


class Counting(KubeClient):
    """Counts the lists that are begun, by path."""

    lists: Counter[str]

    async def request(self, verb: str, path: str, **how: Any) -> Any:
        query: Mapping[str, str] = how.get("query") or {}
        if "limit" in query and "continue" not in query and "Partial" not in how.get("accept", ""):
            self.lists[path] += 1
        return await super().request(verb, path, **how)

    def watch(self, path: str, query: Mapping[str, str], **how: Any) -> Any:
        if "resourceVersion" not in query and "Partial" not in how.get("accept", ""):
            self.lists[path] += 1
        return super().watch(path, query, **how)


@dataclass(slots=True)
class Churn:
    """Changes objects of one namespace, one at a time."""

    client: KubeClient
    namespace: str
    rng: random.Random
    there: set[tuple[int, str]] = field(default_factory=set)

    async def run(self) -> None:
        while True:
            await self.once()
            await asyncio.sleep(0)

    async def once(self) -> None:
        one = self.rng.randrange(len(KINDS)), f"o{self.rng.randrange(12)}"
        path = collection_path(KINDS[one[0]], self.namespace)
        labels = {"labels": {"turn": f"{self.rng.randrange(1 << 30)}"}}
        if one not in self.there:
            reply = await self.client.request("POST", path, body={"metadata": {"name": one[1], **labels}})
            self.there.add(one)
        elif self.rng.random() < 0.3:
            reply = await self.client.request("DELETE", f"{path}/{one[1]}")
            self.there.discard(one)
        else:
            kind = "application/merge-patch+json"
            reply = await self.client.request("PATCH", f"{path}/{one[1]}", body={"metadata": labels}, content_type=kind)
        assert reply.ok or reply.code in (404, 409), reply  # a round may end between a request and its answer

    async def truth(self) -> Versions:
        """Return the version of every object there is."""
        found: Versions = {}
        for each in KINDS:
            reply = await self.client.request("GET", collection_path(each, self.namespace))
            for meta in (item["metadata"] for item in reply.body["items"]):
                found[ResourceKey("", each.gvk.kind, self.namespace, meta["name"])] = meta["resourceVersion"]
        return found


async def harm(wire: Wire, rng: random.Random) -> None:
    while True:
        await asyncio.sleep(rng.uniform(0, 0.1))
        if wire.links:
            link = rng.choice(sorted(wire.links, key=id))
            rng.choice((link.kill, link.cut, link.stall, link.stall))()


def mend(wire: Wire, rng: random.Random) -> None:
    """Let every connection that stalls go on, or be found dead."""
    for link in list(wire.links):
        if not link.flows.is_set():
            rng.choice((link.go_on, link.kill))()


def mirrored(mirror: Running, namespace: str) -> Versions:
    kinds = mirror.mirrors.mirrors[HERE].mirror.kinds
    objects = [live for each in KINDS for live in kinds[each.gvk].objects.values()]
    return {live.key: live.resource_version for live in objects if live.key.namespace == namespace}


async def until_whole(mirror: Running, churn: Churn, wire: Wire, rng: random.Random) -> None:
    """Wait until the mirror is as the server is, and knows that it is."""
    truth = await churn.truth()
    gvks = {each.gvk for each in KINDS}
    try:
        async with asyncio.timeout(QUIET_S):
            while mirrored(mirror, churn.namespace) != truth or gvks & dict(mirror.mirrors.age(HERE).failing).keys():
                mend(wire, rng)  # requests that came to stall since
                await asyncio.sleep(0.02)
    except TimeoutError:
        here = mirrored(mirror, churn.namespace)
        differs = {
            key: (here.get(key), truth.get(key)) for key in here.keys() | truth if here.get(key) != truth.get(key)
        }
        raise AssertionError(f"mirror and server differ: {differs}; {mirror.mirrors.age(HERE)}") from None


@pytest.fixture
async def wire(cluster: Cluster) -> AsyncIterator[Wire]:
    async with wire_to(urlsplit(cluster.server).port or 0) as found:
        yield found


@pytest.mark.timeout(FOR_S + 300)
async def test_the_mirror_comes_to_what_the_server_has_whatever_becomes_of_its_connections(
    cluster: Cluster, namespace: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("GITOPSD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"GITOPSD_SEED={seed}")  # noqa: T201 - shown where the test fails
    rng, loop = random.Random(seed), asyncio.get_running_loop()  # noqa: S311 - no secret
    monkeypatch.setenv("TEST_TOKEN", cluster.tokens["admin"])
    settings = ClusterSettings("wired", server=wire.url, token=Secret(env="TEST_TOKEN"), ca_file=cluster.ca_file)
    with capture_logs() as logs:
        async with client_of(cluster) as direct, Counting(settings) as client:
            client.lists = Counter()
            churn = Churn(direct, namespace, rng)
            async with running(client, [each.gvk.group_kind for each in KINDS]) as mirror:
                await mirror.until_synced()
                first, ends_s = Counter(client.lists), loop.time() + FOR_S
                while loop.time() < ends_s:
                    if cluster.simulated and rng.random() < 0.3:
                        order_fault(cluster, fault="expire", verb="watch", path=f"{rng.choice(KINDS).plural}$")
                    async with asyncio.TaskGroup() as group:
                        tasks = [group.create_task(churn.run()), group.create_task(harm(wire, rng))]
                        await asyncio.sleep(ROUND_S)
                        for task in tasks:
                            task.cancel()
                    mend(wire, rng)
                    await until_whole(mirror, churn, wire, rng)
                if cluster.simulated:
                    clear_faults(cluster)
    ours = {collection_path(each) for each in KINDS}  # a survey lists all other kinds when it sees fit
    again = {path for path in ours if client.lists[path] > first[path]}
    expired = {_path(log["kind"]) for log in logs if log["event"] == "kind.expired"}
    assert again <= expired, "no list but where the server had forgotten the version"


def _path(kind: str) -> str:
    group_version, _, name = kind.rpartition("/")
    found = [each for each in KINDS if each.gvk == GVK("", group_version, name)]
    return collection_path(found[0]) if found else kind

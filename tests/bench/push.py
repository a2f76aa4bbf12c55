"""Push → live, drift → healed, and the API's list, with all applications of one repository in one cluster."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grpc import aio

from gitopsd.demo import clusters as demo
from tests.bench import status
from tests.bench.daemon import TOKEN, Daemon, daemon
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import NAMESPACE, Fleet, one_map
from tests.bench.world import (
    FloorProcess,
    Options,
    floor_of,
    git_server,
    new_fleet,
    one_cluster,
    version_of,
    watching,
)

WARM = 5  # first pushes and heals, which open connections and fill caches
SEEN_S = 30.0
REST_S = 5.5  # self-heal rests 5 s after a sync of the same application
ROWS = ("push", "counts", "drift", "list", "status")


@dataclass
class World:
    options: Options
    fleet: Fleet
    daemon: Daemon
    floor: FloorProcess
    editor: demo.Cluster
    mirror: Path  # the floor's
    server: str
    values: dict[str, str] = field(default_factory=dict)  # of the watched objects, as last told
    _expected: tuple[str, str] = ("", "")
    _seen: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def follow(self) -> None:
        """Keep the values as the watch tells of them."""
        items, version = await self.editor.items("ConfigMap")
        for item in items:
            self.values[item["metadata"]["name"]] = item.get("data", {}).get("value", "")
        async for _, live in self.editor.watch("ConfigMap", version):
            told = live["metadata"]["name"], live.get("data", {}).get("value", "")
            self.values[told[0]] = told[1]
            if told == self._expected and not self._seen.done():
                self._seen.set_result(time.perf_counter())

    def expect(self, name: str, value: str) -> asyncio.Future[float]:
        """Return what will be the clock's time at which the watch tells that the object has this value now."""
        self._expected, self._seen = (name, value), asyncio.get_running_loop().create_future()
        return self._seen


@asynccontextmanager
async def world(options: Options) -> AsyncIterator[World]:
    """One cluster, one repository, all applications synced."""
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        root = Path(folder)
        async with one_cluster(options) as cluster, git_server(root) as url, watching(cluster) as editor:
            fleet = await new_fleet(root, url, options.apps, one_map, [cluster.name])
            async with daemon(root / "gitopsd", {cluster.name: cluster.kubeconfig}) as run, floor_of(cluster) as floor:
                fleet.declare(run.declarations)
                status.declare(root, url, run.declarations, cluster.name)
                await floor.ask("clone", url=fleet.url, mirror=str(root / "floor.git"))
                async with run.started():
                    await run.until_synced(options.apps + 1)
                    made = World(options, fleet, run, floor, editor, root / "floor.git", version_of(cluster))
                    async with asyncio.TaskGroup() as group:
                        following = group.create_task(made.follow(), name="follow")
                        await asyncio.sleep(REST_S)  # what the first syncs leave to be confirmed is over
                        yield made
                        following.cancel()


async def measure(options: Options, rows: frozenset[str]) -> list[Figure]:
    """Return the figures of the rows asked for."""
    figures: list[Figure] = []
    async with world(options) as here:
        if rows & {"push", "counts"}:
            figures += await push(here)
        if "drift" in rows:
            figures += await drift(here)
        if "status" in rows:
            figures += await _status(here)
        if "list" in rows:
            figures += await listed(here)
    return [figure for figure in figures if figure.row in rows]


async def push(here: World) -> list[Figure]:
    """Touch one application after the other, each followed by the floor for the same commit."""
    live: list[float] = []
    floors: list[float] = []
    names = list(here.fleet.names())
    before = await here.daemon.metrics()
    for place in range(-WARM, here.options.pushes):
        if place == 0:
            before = await here.daemon.metrics()
        name = names[(place * 7) % len(names)]
        value = f"push {place}"
        revision = await asyncio.to_thread(here.fleet.touch, name, value)
        seen, began_s = here.expect(name, value), time.perf_counter()
        async with asyncio.timeout(SEEN_S):
            await here.daemon.webhook(here.fleet.url, revision)
            took_s = await seen - began_s
        await asyncio.sleep(0.2)  # the daemon confirms what it did
        floor = await here.floor.ask("push", url=here.fleet.url, mirror=str(here.mirror))
        if place >= 0:
            live.append(took_s)
            floors.append(floor["s"])
    after = await here.daemon.metrics()
    return [*_latency(here, live, floors), *_counts(here, before, after)]


def _latency(here: World, live: list[float], floors: list[float]) -> list[Figure]:
    floor_what = "one `git fetch` of the same commit and one apply, by another process; its median"
    floor = percentile(floors, 0.5) * 1000
    apps = len(list(here.fleet.names()))
    return [
        Figure(
            "push",
            f"push → live {named}, one of {apps} touched",
            percentile(live, share) * 1000,
            "ms",
            Budget(limit, of_floor=True),
            floor,
            floor_what,
            here.server,
        )
        for named, share, limit in (("p50", 0.5, 1.5), ("p99", 0.99, 5.0))
    ]


def _counts(here: World, before: dict[str, float], after: dict[str, float]) -> list[Figure]:
    pushes = here.options.pushes
    touched = [json.loads(line) for line in here.daemon.log.read_text().splitlines() if '"epoch.walked"' in line][
        -pushes:
    ]

    def each(name: str) -> float:
        return (after.get(name, 0.0) - before.get(name, 0.0)) / pushes

    return [
        Figure("counts", "renders for a commit", each("gitopsd_renders_total"), "", Budget(1), server=here.server),
        Figure(
            "counts", "applications queued by a commit", sum(one["touched"] for one in touched) / pushes, "", Budget(1)
        ),
        Figure("counts", "fetches for a commit", each("argocd_git_request_total"), "", Budget(1)),
        Figure("counts", "passes until all is told, for a commit", each("gitopsd_passes_total"), ""),
    ]


async def drift(here: World) -> list[Figure]:
    """Edit one object after the other, none that was synced lately, each followed by the floor."""
    await asyncio.sleep(REST_S)
    healed: list[float] = []
    floors: list[float] = []
    names = list(here.fleet.names())
    for place in range(-WARM, here.options.heals):
        name = names[-1 - ((place + WARM) * 7) % len(names)]
        seen, began_s = here.expect(name, here.values[name]), time.perf_counter()
        async with asyncio.timeout(SEEN_S):
            await here.editor.edit("ConfigMap", NAMESPACE, name, {"data": {"value": f"drift {place}"}})
            took_s = await seen - began_s
        await asyncio.sleep(0.1)
        floor = await here.floor.ask("drift")
        if place >= 0:
            healed.append(took_s)
            floors.append(floor["s"])
    floor_what = "an edit until the watch tells of it, and one apply, by another process; its median"
    return [
        Figure(
            "drift",
            f"drift → healed {named}",
            percentile(healed, share) * 1000,
            "ms",
            Budget(2.5, of_floor=True) if share == 0.5 else None,
            percentile(floors, 0.5) * 1000,
            floor_what,
            here.server,
        )
        for named, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def _status(here: World) -> list[Figure]:
    async def edit(value: str) -> None:
        await here.editor.edit("ConfigMap", NAMESPACE, status.NAME, {"data": {"value": value}})

    return await status.status(here.daemon, edit, here.expect, here.options.heals, here.server)


async def listed(here: World) -> list[Figure]:
    """List all applications over REST, and one page of them, until the last byte is there."""
    took: dict[str, list[float]] = {"": [], "?limit=50": []}
    for query, seconds in took.items():
        for _ in range(10):
            began_s = time.perf_counter()
            await here.daemon.read(f"/api/v1/applications{query}")
            seconds.append(time.perf_counter() - began_s)
    apps, rest = here.options.apps, percentile(took[""], 0.5) * 1000
    grpc = percentile(await _listed_by_grpc(here.daemon), 0.5) * 1000
    return [
        Figure("list", f"REST list of {apps}, p50", rest, "ms", Budget(50)),
        Figure("list", f"gRPC list of {apps}, p50", grpc, "ms", Budget(1.5, of_floor=True), rest, "the REST list"),
        Figure("list", f"REST page of 50 of {apps}, p50", percentile(took["?limit=50"], 0.5) * 1000, "ms"),
    ]


async def _listed_by_grpc(daemon: Daemon) -> list[float]:
    """List all applications over gRPC; the first time all of them are written anew, and does not count."""
    took: list[float] = []
    options = [("grpc.max_receive_message_length", -1)]
    async with aio.insecure_channel(daemon.address, options) as channel:
        method: Any = channel.unary_unary("/application.ApplicationService/List")
        for _ in range(11):
            began_s = time.perf_counter()
            await method(b"", metadata=aio.Metadata(("token", TOKEN)))
            took.append(time.perf_counter() - began_s)
    return took[1:]

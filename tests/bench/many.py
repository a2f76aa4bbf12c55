"""Ten clusters: cold and warm starts, memory, and the cost of events that are nobody's."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.daemon import Daemon, cpu_s, daemon, descent, rss_bytes
from tests.bench.figures import Budget, Figure
from tests.bench.fleet import NAMESPACE, Fleet, ten_objects
from tests.bench.plain import MERGE, Plain, config_map_path
from tests.bench.world import Options, git_server, make_namespace, new_fleet, version_of
from tests.clusters import Cluster, sim_cluster
from tests.redisserver import RedisServer, redis_server

ROWS = ("cold", "memory", "steady", "foreign")
EACH = 10  # objects of one application
EVENTS_A_SECOND = (100, 1000)
FOREIGN = 1000  # writes of others to objects of ours
SETTLE_S = 8.0  # after the last status: first surveys, collections
PATHS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
LAG = "gitopsd_loop_lag_seconds_bucket"


@dataclass
class World:
    options: Options
    clusters: Sequence[Cluster]
    fleet: Fleet
    daemon: Daemon
    redis: RedisServer
    server: str

    def figure(  # noqa: PLR0913, PLR0917 - a line of the table
        self, row: str, what: str, value: float, unit: str, most: float | None = None, note: str = ""
    ) -> Figure:
        budget = None if most is None else Budget(most)
        return Figure(row, what, value, unit, budget, server=self.server, note=note)

    @property
    def of(self) -> str:
        return f"{self.options.apps} × {EACH} objects, {len(self.clusters)} clusters"  # noqa: RUF001 - read by people


@asynccontextmanager
async def world(options: Options) -> AsyncIterator[World]:
    """Simulated clusters, nothing acting on their objects, a Redis of its own, and a daemon that is not started."""
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder, ExitStack() as stack:
        root = Path(folder)
        names = [f"cluster-{place}" for place in range(options.clusters)]
        clusters = [stack.enter_context(sim_cluster(name, "--no-controllers")) for name in names]
        for cluster in clusters:
            make_namespace(cluster, NAMESPACE)
        configs = {cluster.name: cluster.kubeconfig for cluster in clusters}
        async with git_server(root) as url, redis_server() as redis:
            fleet = await new_fleet(root, url, options.apps, ten_objects, names)
            async with daemon(root / "gitopsd", configs, redis=redis.url) as run:
                yield World(options, clusters, fleet, run, redis, version_of(clusters[0]))


async def measure(options: Options, rows: frozenset[str]) -> list[Figure]:
    """Return the figures of the rows asked for."""
    figures: list[Figure] = []
    async with world(options) as here:
        empty = 0.0
        if "memory" in rows:
            empty, watches = await _watches(here)
            figures += watches
        here.fleet.declare(here.daemon.declarations)
        figures += await _first(here)
        if "cold" in rows:
            figures += await _starts(here)
        if "foreign" in rows:
            figures += await _foreign(here)
        if rows & {"memory", "steady"}:
            figures += await _loaded(here, empty)
    return [figure for figure in figures if figure.row in rows]


async def _watches(here: World) -> tuple[float, list[Figure]]:
    """Return the RSS with ten empty clusters, and what a watch costs: these beside one."""
    every = here.daemon.settings["clusters"]
    found = []
    for clusters in (every[:1], every):
        here.daemon.settings["clusters"] = clusters
        async with here.daemon.started():
            await here.daemon.ready()
            await asyncio.sleep(SETTLE_S)
            metrics = await here.daemon.metrics()
            opened = sum(value for name, value in metrics.items() if _is_watch(name))
            found.append((rss_bytes(here.daemon.pid), opened))
    (one, few), (ten, all_) = found
    return ten, [
        here.figure("memory", "one empty cluster, RSS", one / 1e6, "MB"),
        here.figure(
            "memory",
            f"a watch with its share of its cluster, of {all_:.0f}; TLS, uvloop",
            (ten - one) / (all_ - few) / 1e3,
            "kB",
            60,
        ),
    ]


def _is_watch(name: str) -> bool:
    return name.startswith("gitopsd_api_requests_total{") and 'verb="WATCH"' in name and 'code="200"' in name


async def _first(here: World) -> list[Figure]:
    async with here.daemon.started():
        began_s = time.perf_counter()
        await here.daemon.until_synced(here.options.apps, look_s=1.0)
        took_s = time.perf_counter() - began_s
    return [here.figure("cold", f"first start ever, everything created: {here.of}", took_s, "s")]


async def _starts(here: World) -> list[Figure]:
    async with here.redis.client() as client:
        await client.flushall()
    shutil.rmtree(here.daemon.root / "data" / "git")
    cold_s, asked = await _start(here)
    warm_s, _ = await _start(here)
    note = "cold: Redis is empty and the Git mirror gone; the store, which is what survives, is there"
    return [
        here.figure("cold", f"cold start until every status is known: {here.of}", cold_s, "s", 15, note),
        here.figure("cold", "the same with a warm Redis", warm_s, "s", 6),
        here.figure("cold", "dry runs and applies at that cold start", asked, "", 0),
    ]


async def _start(here: World) -> tuple[float, float]:
    """Return the seconds until every status is known, and how many dry runs and applies that took."""
    began_s = time.perf_counter()
    async with here.daemon.started():
        await here.daemon.until_synced(here.options.apps, look_s=0.4)
        return time.perf_counter() - began_s, _patches(await here.daemon.metrics())


def _patches(metrics: Mapping[str, float]) -> float:
    found = (name for name in metrics if name.startswith("gitopsd_api_requests_total{") and 'verb="PATCH"' in name)
    return sum(metrics[name] for name in found)


async def _foreign(here: World) -> list[Figure]:
    """Have others write fields of our objects that are not ours: nobody is to ask the API server about them."""
    async with here.daemon.started():
        await here.daemon.until_synced(here.options.apps)
        await asyncio.sleep(SETTLE_S)
        before = await here.daemon.metrics()
        await asyncio.to_thread(_annotate, here)
        await asyncio.sleep(SETTLE_S)
        after = await here.daemon.metrics()
    asked = (_patches(after) - _patches(before)) * 1000 / FOREIGN
    passes = (after["gitopsd_passes_total"] - before["gitopsd_passes_total"]) * 1000 / FOREIGN
    what = "for 1,000 writes of others to objects of ours"
    return [
        here.figure("foreign", f"dry runs and applies {what}", asked, "", 0),
        here.figure("foreign", f"passes {what}", passes, "", 1000),
    ]


def _annotate(here: World) -> None:
    clients = [Plain(cluster.kubeconfig) for cluster in here.clusters]
    for place, name in enumerate(itertools.islice(itertools.cycle(here.fleet.names()), FOREIGN)):
        body = {"metadata": {"annotations": {"bench": str(place)}}}
        path = f"{config_map_path(NAMESPACE, f'{name}-0')}?fieldManager=bench-writer"
        clients[place % here.options.apps % len(clients)].call("PATCH", path, body, MERGE)


async def _loaded(here: World, empty: float) -> list[Figure]:
    """Return memory with few and with many objects, and what events of the many cost."""
    managed = here.options.apps * EACH
    async with here.daemon.started():
        await here.daemon.until_synced(here.options.apps)
        await asyncio.sleep(SETTLE_S)
        few = rss_bytes(here.daemon.pid)
    others = here.options.live_objects - managed
    await asyncio.to_thread(_load, here.clusters, others)
    async with here.daemon.started():
        await here.daemon.until_synced(here.options.apps)
        await asyncio.sleep(SETTLE_S)
        many = rss_bytes(here.daemon.pid)
        whole = sum(rss_bytes(pid) for pid in descent(here.daemon.pid))
        memory = [
            here.figure("memory", f"{managed} live objects, RSS", few / 1e6, "MB"),
            *_managed(here, (few - empty) / managed if empty else 0.0),
            here.figure("memory", f"{here.options.live_objects} live objects, RSS", many / 1e6, "MB", 300),
            here.figure("memory", "the same with its workers", whole / 1e6, "MB"),
            here.figure("memory", "an object of nobody's", (many - few) / others, "B", 1000),
        ]
        steady = [figure for rate in EVENTS_A_SECOND for figure in await _steady(here, rate)]
        return [*memory, *steady]


def _managed(here: World, size: float) -> list[Figure]:
    what = f"an object of ours, with its share of an application of {EACH}"
    return [here.figure("memory", what, size, "B")] if size else []


async def _steady(here: World, rate: int) -> list[Figure]:
    """Have events come, of objects that no application has, and see what the daemon makes of them."""
    seconds, pid = here.options.steady_s, here.daemon.pid
    stop = threading.Event()
    writing = asyncio.get_running_loop().run_in_executor(None, _write, here.clusters, rate, stop)
    try:
        await asyncio.sleep(2)
        used_s, before, began_s = cpu_s(pid), await here.daemon.metrics(), time.perf_counter()
        await asyncio.sleep(seconds)
        share = (cpu_s(pid) - used_s) / (time.perf_counter() - began_s)
        after = await here.daemon.metrics()
    finally:
        stop.set()
        written = await writing
    passes, asked = after["gitopsd_passes_total"] - before["gitopsd_passes_total"], _patches(after) - _patches(before)
    came = written / (seconds + 2)
    note = f"{came:.0f} events/s came of {rate} wanted; {passes:.0f} passes ran, {asked:.0f} dry runs and applies"
    least = min(EVENTS_A_SECOND)
    return [
        here.figure(
            "steady", f"CPU at {rate} events/s, of one core", share * 100, "%", 10 if rate == least else None, note
        ),
        here.figure("steady", f"CPU of one event, at {rate}/s", share / came * 1e6, "µs"),
        here.figure(
            "steady", f"loop lag p99 at {rate} events/s, at most", loop_lag_p99_s(before, after) * 1000, "ms", 50
        ),
    ]


def loop_lag_p99_s(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return the bound of the bucket in which the 99th percentile of the loop's lag is."""
    grown = {
        float(name.partition('le="')[2].partition('"')[0]): value - before.get(name, 0.0)
        for name, value in after.items()
        if name.startswith(f"{LAG}{{")
    }
    total = grown[float("inf")]
    return min(bound for bound, count in grown.items() if count >= 0.99 * total)


def _load(clusters: Sequence[Cluster], count: int) -> None:
    """Create objects that no application has, in all clusters alike."""
    each = count // len(clusters)

    def fill(cluster: Cluster) -> None:
        client = Plain(cluster.kubeconfig)
        manifests = (one for place in itertools.count() for one in ten_objects(f"other-{place}", "first"))
        for manifest in itertools.islice(manifests, each):
            client.call("POST", PATHS[manifest["kind"]].format(NAMESPACE), manifest)

    threads = [threading.Thread(target=fill, args=(cluster,)) for cluster in clusters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(clusters: Sequence[Cluster], rate: int, stop: threading.Event) -> float:
    """Patch objects that no application has, so many a second over all clusters, until told to stop; return the sum."""
    each = [0] * len(clusters)

    def write(place: int) -> None:
        client, began_s = Plain(clusters[place].kubeconfig), time.perf_counter()
        path = f"{config_map_path(NAMESPACE, 'other-0-0')}?fieldManager=bench-writer"
        while not stop.wait(max(0.0, began_s + each[place] * len(clusters) / rate - time.perf_counter())):
            client.call("PATCH", path, {"data": {"value": str(each[place])}}, MERGE)
            each[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(len(clusters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(each)

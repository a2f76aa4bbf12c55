"""The first sync of many objects, beside what the API server takes from a client that does nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gitopsd.demo import clusters as demo
from tests.bench.daemon import daemon
from tests.bench.figures import Budget, Figure
from tests.bench.fleet import NAMESPACE
from tests.bench.plain import Plain, config_map, config_map_path
from tests.bench.world import (
    FLOOR_NAMESPACE,
    Options,
    floor_of,
    git_server,
    new_fleet,
    one_cluster,
    version_of,
    watching,
)

ROWS = ("sync",)
EACH = 100  # objects of one application
LEVEL = 400  # objects created at each number at once
SYNCED_S = 120.0


def many_maps(app: str, value: str) -> Sequence[Mapping[str, Any]]:
    """As many ConfigMaps as one application has."""
    return [config_map(NAMESPACE, f"{app}-{place}", value) for place in range(EACH)]


async def measure(options: Options, _rows: frozenset[str]) -> list[Figure]:
    """Return objects a second, from the first that came to be to the last."""
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        root = Path(folder)
        async with one_cluster(options) as cluster, git_server(root) as url, watching(cluster) as watcher:
            apps = options.sync_objects // EACH
            fleet = await new_fleet(root, url, apps, many_maps, [cluster.name])
            before, tried = await _own_rate(cluster), await _own_rate(cluster, tried=True)
            async with daemon(root / "gitopsd", {cluster.name: cluster.kubeconfig}) as run, run.started():
                await run.ready()
                counting = Counting(watcher, apps * EACH)
                cpu_s = run.cpu_s
                async with asyncio.TaskGroup() as group:
                    group.create_task(counting.run(), name="count")
                    await counting.open.wait()
                    fleet.declare(run.declarations)
                await run.until_synced(apps)
                cpu_s = run.cpu_s - cpu_s
            after = await _own_rate(cluster)
            return [
                Figure(
                    "sync",
                    f"first sync of {apps * EACH} objects in {apps} applications",
                    counting.rate,
                    "objects/s",
                    Budget(0.9, of_floor=True, at_least=True),
                    max(before, after),
                    "creates by server-side apply from another process, more at once until that is no faster",
                    version_of(cluster),
                ),
                Figure(
                    "sync",
                    "the same beside a peer that asks as much",
                    counting.rate,
                    "objects/s",
                    None,
                    max(tried, await _own_rate(cluster, tried=True)),
                    "creates from another process, each after a dry run of it",
                    version_of(cluster),
                ),
                Figure("sync", "CPU of the daemon for each of them, until Synced", cpu_s / (apps * EACH) * 1000, "ms"),
            ]


class Counting:
    """Counts what comes to be, from the first to the last."""

    def __init__(self, watcher: demo.Cluster, wanted: int) -> None:
        self.open = asyncio.Event()
        self.rate = 0.0
        self._watcher = watcher
        self._wanted = wanted

    async def run(self) -> None:
        """Return once all are there."""
        _, version = await self._watcher.items("ConfigMap")
        self.open.set()
        seen: set[str] = set()
        began_s = 0.0
        async with asyncio.timeout(SYNCED_S):
            async for kind, live in self._watcher.watch("ConfigMap", version):
                if kind == "ADDED" and live["metadata"]["namespace"] == NAMESPACE:
                    began_s = began_s or time.perf_counter()
                    seen.add(live["metadata"]["name"])
                if len(seen) == self._wanted:
                    self.rate = (self._wanted - 1) / (time.perf_counter() - began_s)
                    return


async def _own_rate(cluster: Any, *, tried: bool = False) -> float:
    async with floor_of(cluster) as floor:
        found = await floor.ask("rate", each=LEVEL, tried=tried)
    # What was created for the floor is no load for what is measured next.
    await asyncio.to_thread(Plain(cluster.kubeconfig).call, "DELETE", config_map_path(FLOOR_NAMESPACE))
    return found["per_s"]

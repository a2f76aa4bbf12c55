"""What readers of the API cost: a filtered page of 10,000 applications, and 200 streams while statuses change."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gitopsd.demo import clusters as demo
from tests.bench.daemon import TOKEN, Daemon, cpu_s, daemon
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import NAMESPACE, Fleet, one_map
from tests.bench.world import Options, git_server, make_namespace, new_fleet, version_of, watching
from tests.clusters import sim_cluster

ROWS = ("readers",)
TIMES = 10  # as many applications as in the other rows
READERS, CHANGES_EACH_S = 200, 100
STEADY_S = 10.0
TURNS = 20
PAGES = {"a page of 100 by a filter": "sync=Synced&limit=100", "a page of 100 by a search": "search=99&limit=100"}


async def measure(options: Options, _: frozenset[str]) -> list[Figure]:
    """Return the figures of one simulated cluster with ten times the applications of other rows."""
    apps = options.apps * TIMES
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder, sim_cluster("cluster", "--no-controllers") as cluster:
        root = Path(folder)
        make_namespace(cluster, NAMESPACE)
        async with git_server(root) as url, daemon(root / "gitopsd", {cluster.name: cluster.kubeconfig}) as run:
            fleet = replace(await new_fleet(root, url, apps, one_map, [cluster.name]), heals=False)
            fleet.declare(run.declarations)
            async with run.started(), watching(cluster) as editor:
                await run.until_synced(apps, look_s=1.0)
                return [*await _pages(run, apps), *await _streams(run, fleet, editor, version_of(cluster))]


async def _pages(run: Daemon, apps: int) -> list[Figure]:
    figures = []
    for what, query in PAGES.items():
        took = []
        for _ in range(TURNS):
            began_s = time.perf_counter()
            await run.read(f"/api/v1/applications?{query}")
            took.append(time.perf_counter() - began_s)
        figures.append(Figure("readers", f"{what}, of {apps}, p50", percentile(took, 0.5) * 1000, "ms", Budget(10)))
    return figures


async def _streams(run: Daemon, fleet: Fleet, editor: demo.Cluster, server: str) -> list[Figure]:
    """Measure the daemon's processor under the same changes without and with readers, in turn, twice."""
    alone: list[float] = []
    read: list[float] = []
    lines: list[int] = []
    for turn in range(2):
        alone.append(await _share(run, fleet, editor, f"alone {turn}"))
        async with _reading(run.address, lines):
            read.append(await _share(run, fleet, editor, f"read {turn}"))
    budget = Budget(15)
    what = f"{READERS} stream readers at {CHANGES_EACH_S} changes a second"
    note = f"{lines[-1] / READERS / STEADY_S:.0f} lines a second reached each"
    more = (min(read) - min(alone)) * 100
    return [
        Figure(
            "readers", f"daemon without readers at {CHANGES_EACH_S} changes a second", min(alone) * 100, "% of a core"
        ),
        Figure("readers", what, more, "% of a core", budget, server=server, note=note),
    ]


async def _share(run: Daemon, fleet: Fleet, editor: demo.Cluster, value: str) -> float:
    names: Sequence[str] = list(fleet.names())
    before_s, began_s = cpu_s(run.pid), time.monotonic()
    for turn in range(int(CHANGES_EACH_S * STEADY_S)):
        name = names[turn * 37 % len(names)]
        await editor.edit("ConfigMap", NAMESPACE, name, {"data": {"value": f"{value} {turn}"}})
        await asyncio.sleep(max(0.0, began_s + turn / CHANGES_EACH_S - time.monotonic()))
    return (cpu_s(run.pid) - before_s) / (time.monotonic() - began_s)


@asynccontextmanager
async def _reading(address: str, lines: list[int]) -> AsyncIterator[None]:
    """Read the stream of applications by a process of its own, with all readers; add the lines that came to `lines`."""
    command = [sys.executable, "-m", "tests.bench.readers", address, TOKEN, str(READERS)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    await process.stdout.readline()
    yield
    said, _ = await process.communicate(b"")
    lines.append(int(said))


async def _read(address: str, token: str, readers: int) -> None:
    """Open so many streams, say so in a line, and print the lines that came after that once our input ends."""
    host, _, port = address.rpartition(":")
    request = f"GET /api/v1/stream/applications HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    streams = [await asyncio.open_connection(host, int(port)) for _ in range(readers)]
    for _, writer in streams:
        writer.write(request.encode())
    count = 0

    async def follow(reader: asyncio.StreamReader) -> None:
        nonlocal count
        while data := await reader.read(1 << 20):
            count += data.count(b"\n{")

    async with asyncio.TaskGroup() as group:
        for reader, _ in streams:
            group.create_task(follow(reader))
        before = -1
        while count != before:  # until the first lists are there
            before = count
            await asyncio.sleep(1.0)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        for _, writer in streams:
            writer.close()
    sys.stdout.write(f"{count - before}\n")


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1], sys.argv[2], int(sys.argv[3])))

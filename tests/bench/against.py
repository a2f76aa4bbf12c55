"""`python -m tests.bench.against CHECKOUT`: push → live of this build beside another's, in turn on one API server."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.bench.daemon import Daemon, daemon
from tests.bench.figures import percentile
from tests.bench.fleet import Fleet, one_map
from tests.bench.push import REST_S, SEEN_S, WARM
from tests.bench.world import Options, git_server, new_fleet, one_cluster, version_of, watching
from tests.clusters import Cluster, find_control_plane

CHUNK_BYTES = 64 << 10


@asynccontextmanager
async def delayed(url: str, trip_s: float) -> AsyncIterator[str]:
    """Give a URL by which the server at `url` is `trip_s` away and back; what connects waits for it once more."""
    if not trip_s:
        yield url
        return
    loop, there = asyncio.get_running_loop(), urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                loop.call_later(trip_s / 2, writer.write, chunk)
        loop.call_later(trip_s / 2, writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(trip_s)  # what a TCP connection takes
        far_reader, far_writer = await asyncio.open_connection(there.hostname, there.port)
        with suppress(asyncio.CancelledError):  # at the end: nobody reads any more
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, far_writer), name="to the server")
                group.create_task(carry(far_reader, writer), name="from the server")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def pushes(run: Daemon, fleet: Fleet, cluster: Cluster, count: int, turn: str) -> list[float]:
    """Return the seconds of `count` pushes until each is live, after a few that count for nothing."""
    took: list[float] = []
    names = list(fleet.names())
    async with watching(cluster) as editor, run.started():
        await run.until_synced(len(names))
        await asyncio.sleep(REST_S)
        for place in range(-WARM, count):
            name, value = names[(place * 7) % len(names)], f"{turn} {place}"
            _, version = await editor.items("ConfigMap")
            events = editor.watch("ConfigMap", version)
            revision = await asyncio.to_thread(fleet.touch, name, value)
            began_s = time.perf_counter()
            async with asyncio.timeout(SEEN_S):
                await run.webhook(fleet.url, revision)
                async for _, live in events:
                    if live["metadata"]["name"] == name and live["data"].get("value") == value:
                        break
            took += [time.perf_counter() - began_s] if place >= 0 else []
            await asyncio.sleep(0.2)  # the daemon confirms what it did
    return took


async def compare(options: Options, checkout: Path, rounds: int, trip_s: float) -> str:
    """Return a line with the median of both builds and their ratio."""
    took: dict[str, list[float]] = {"other": [], "this": []}
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        root = Path(folder)
        async with one_cluster(options) as cluster, git_server(root) as near, delayed(near, trip_s) as url:
            fleet = await new_fleet(root, url, options.apps, one_map, [cluster.name])
            kubeconfigs = {cluster.name: cluster.kubeconfig}
            async with daemon(root / "a", kubeconfigs) as other, daemon(root / "b", kubeconfigs) as this:
                other.checkout = checkout
                if "network:" not in (checkout / "config/gitopsd.yaml").read_text():  # older than that setting
                    del other.settings["network"]
                for run in (other, this):
                    fleet.declare(run.declarations)
                for turn in range(rounds):
                    for name, run in (("other", other), ("this", this)):
                        took[name] += await pushes(run, fleet, cluster, options.pushes, f"{name} {turn}")
            server = version_of(cluster)
    medians = {name: percentile(seconds, 0.5) * 1000 for name, seconds in took.items()}
    return (
        f"push → live p50, {options.apps} applications, {trip_s * 1000:g} ms to Git, {server}: "
        f"{medians['this']:.1f} ms, {checkout.name} {medians['other']:.1f} ms, "
        f"ratio {medians['this'] / medians['other']:.2f}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.against", description=__doc__)
    parser.add_argument("checkout", type=Path, help="of another version, with its own .venv")
    parser.add_argument("--apps", type=int, default=1000)
    parser.add_argument("--pushes", type=int, default=20, help="in each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trip-ms", type=float, default=0.0, help="to the Git server and back")
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options = Options(arguments.apps, arguments.pushes, 0, 0, 0, 1, 0.0, find_control_plane())
    checkout = arguments.checkout.resolve()
    sys.stdout.write(asyncio.run(compare(options, checkout, arguments.rounds, arguments.trip_ms / 1000)))


if __name__ == "__main__":
    main()

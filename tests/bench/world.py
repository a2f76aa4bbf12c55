"""What a row runs in: clusters, a Git server, a floor and the daemon, each a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitopsd.demo import clusters as demo
from tests.bench.daemon import until
from tests.bench.fleet import NAMESPACE, Fleet, Objects
from tests.clusters import Cluster, ControlPlane, call, free_ports, real_cluster, sim_cluster
from tests.gitserver import Repo
from tests.serverprocess import running

FLOOR_NAMESPACE = "bench-floor"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    apps: int
    pushes: int
    heals: int
    sync_objects: int
    live_objects: int  # in all clusters of the memory row
    clusters: int
    steady_s: float
    control_plane: ControlPlane | None  # None: simulated clusters alone


@dataclass
class FloorProcess:
    """The process that times floors; one command at a time."""

    process: asyncio.subprocess.Process

    async def ask(self, do: str, **options: Any) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "with": options}).encode() + b"\n")
        answer = await self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the floor's process ended in {do}")
        found: dict[str, float] = json.loads(answer)
        return found


@asynccontextmanager
async def floor_of(cluster: Cluster) -> AsyncIterator[FloorProcess]:
    """Run the floor's process against `cluster` for the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.floor", str(cluster.kubeconfig), FLOOR_NAMESPACE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield FloorProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def one_cluster(options: Options) -> AsyncIterator[Cluster]:
    """A real API server where there is one, without controllers, else a simulated one."""
    plane = options.control_plane
    with real_cluster(ControlPlane(plane.apiserver, plane.etcd, None)) if plane else sim_cluster("sim") as cluster:
        for name in (NAMESPACE, FLOOR_NAMESPACE):
            make_namespace(cluster, name)
        yield cluster


def make_namespace(cluster: Cluster, name: str) -> None:
    status, answer = call(cluster, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    if status != 201:
        raise RuntimeError(f"no namespace: {answer}")


def version_of(cluster: Cluster) -> str:
    """Return what stands in the table for the cluster's API server."""
    version = call(cluster, "GET", "/version")[1].get("gitVersion", "")
    return f"simulated, as {version}" if cluster.simulated else f"kube-apiserver {version}"


@asynccontextmanager
async def git_server(root: Path) -> AsyncIterator[str]:
    """Serve the repositories below `root` from a process of its own; give its URL."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.bench.gitserver", str(root), str(port)]
    with running(command, root / "server.log"):

        async def up() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until("the Git server listens", up)
        yield f"http://127.0.0.1:{port}"


async def new_fleet(root: Path, url: str, apps: int, objects: Objects, clusters: Sequence[str]) -> Fleet:
    """Write a repository below `root`, which is served at `url`, with the content of `apps` applications."""
    name = f"fleet-{apps}.git"
    fleet = Fleet(Repo(root / name), f"{url}/{name}", apps, objects, clusters)
    await asyncio.to_thread(fleet.write)
    return fleet


@asynccontextmanager
async def watching(cluster: Cluster) -> AsyncIterator[demo.Cluster]:
    """A connection by which a row edits and watches."""
    async with demo.connected(cluster.name, cluster.kubeconfig) as connected:
        yield connected

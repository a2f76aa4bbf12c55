"""The parts that run as processes: the simulated clusters and the daemon, each ending the demo if it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from gitopsd.demo.children import DemoProcess, child
from gitopsd.demo.config import GRACE_S
from gitopsd.errors import InvalidSettings
from gitopsd.runtime.deadline import within

CLUSTER_READY_S = 60.0
CLUSTER_GRACE_S = 1.0  # its state is in memory alone
MARGIN_S = 5.0  # beyond the daemon's own grace period, before it is killed
KUBECONFIGS = "kubeconfigs.json"  # name → path, for `gitopsd demo edit` and `delete`


def check_ports(*ports: int) -> None:
    """Raise InvalidSettings where something listens on one of the loopback `ports` already."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as err:
                raise InvalidSettings(
                    f"port {port} cannot be used: {err.strerror}",
                    remedy="the demo needs PORT and PORT + 1: choose another with --port, or make demo PORT=…",
                ) from err


@asynccontextmanager
async def clusters(directory: Path, names: Sequence[str]) -> AsyncIterator[Mapping[str, Path]]:
    """Run simulated clusters while the block runs; give the kubeconfig of each, also written to KUBECONFIGS."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_cluster(directory / name, name)) for name in names]
        kubeconfigs = {one.name: await _kubeconfig(one) for one in started}
        (directory / KUBECONFIGS).write_text(json.dumps({name: str(path) for name, path in kubeconfigs.items()}))
        await stack.enter_async_context(_staying(started))
        yield kubeconfigs


@asynccontextmanager
async def daemon(settings: Path) -> AsyncIterator[None]:
    """Run `gitopsd run` with `settings` while the block runs; its log is beside them."""
    command = (sys.executable, "-m", "gitopsd", "run", "--config", str(settings))
    log = settings.parent / "gitopsd.log"
    async with child("the daemon", command, log, grace_s=GRACE_S + MARGIN_S) as started, _staying([started]):
        yield


def _cluster(directory: Path, name: str) -> AbstractAsyncContextManager[DemoProcess]:
    directory.mkdir()
    command = (sys.executable, "-m", "gitopsd.sim", "--dir", str(directory), "--name", name, "--die-with-parent")
    return child(name, command, directory / "log", grace_s=CLUSTER_GRACE_S, speaks=True)


async def _kubeconfig(cluster: DemoProcess) -> Path:
    banner = json.loads(await within(CLUSTER_READY_S, f"the start of {cluster.name}", cluster.line()))
    return Path(banner["kubeconfig"])


@asynccontextmanager
async def _staying(children: Sequence[DemoProcess]) -> AsyncIterator[None]:
    """End the block, with the reason, when one of `children` ends."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.ended(), name=one.name) for one in children]
        yield
        for task in tasks:
            task.cancel()

"""Changes live objects of a running demo by hand: `gitopsd demo edit`, `gitopsd demo delete`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from gitopsd.demo.clusters import Cluster, connected
from gitopsd.demo.home import running_demo
from gitopsd.demo.parts import KUBECONFIGS
from gitopsd.errors import NotFound

Work = Callable[[Cluster], Awaitable[None]]


def edit(app: str, replicas: int, directory: Path | None) -> str:
    """Set `replicas` of an application's Deployment behind gitopsd's back; return the cluster it was done in.

    Raises:
        NotFound: no demo runs, or none of its clusters has such a Deployment.
    """

    async def work(cluster: Cluster) -> None:
        await cluster.edit("Deployment", app, app, {"spec": {"replicas": replicas}})

    return asyncio.run(_do(work, f"Deployment {app}/{app}", directory))


def delete(app: str, kind: str, directory: Path | None) -> str:
    """Delete one object of an application behind gitopsd's back; return the cluster. Errors as `edit`."""
    name = "settings" if kind == "ConfigMap" else app

    async def work(cluster: Cluster) -> None:
        await cluster.delete(kind, app, name)

    return asyncio.run(_do(work, f"{kind} {app}/{name}", directory))


async def _do(work: Work, what: str, directory: Path | None) -> str:
    """Do `work` in the first cluster that has what it needs, and return that cluster's name."""
    kubeconfigs = json.loads((running_demo(directory) / KUBECONFIGS).read_text())
    for name, kubeconfig in kubeconfigs.items():
        async with connected(name, Path(kubeconfig)) as cluster:
            try:
                await work(cluster)
            except NotFound:
                continue
            return str(name)
    raise NotFound(f"no cluster of the demo has {what}", remedy="see `gitopsd app list` for the names")

"""Watch event → new status: an application that is not healed, as its event stream tells of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from tests.bench.daemon import Daemon
from tests.bench.figures import Figure, percentile
from tests.bench.fleet import NAMESPACE
from tests.bench.plain import config_map
from tests.gitserver import Repo

NAME = "status-probe"  # of the application, and of its only object
SEEN_S = 30.0
REST_S = 0.2  # between two edits: what the daemon does after one is over

Edit = Callable[[str, str], asyncio.Future[float]]


def declare(root: Path, url: str, directory: Path, cluster: str) -> None:
    """Declare an application of one ConfigMap that is synced automatically and never healed."""
    repo = Repo(root / "status.git")
    repo.commit({"objects.yaml": json.dumps(config_map(NAMESPACE, NAME, "good"))})
    spec = {
        "project": "default",
        "source": {"repoURL": f"{url}/status.git", "targetRevision": repo.branch, "path": "."},
        "destination": {"name": cluster, "namespace": NAMESPACE},
        "syncPolicy": {"automated": {"prune": True}},
    }
    declared = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": NAME}, "spec": spec,
    }  # fmt: skip
    (directory / "status.yaml").write_text(json.dumps(declared))


async def status(daemon: Daemon, edit: Callable[[str], Any], expect: Edit, turns: int, server: str) -> list[Figure]:
    """Spoil the object and sync it in turn; `expect` gives the time at which a watch of ours tells of a value."""
    spoilt: list[float] = []
    synced: list[float] = []
    async with aclosing(daemon.stream(NAME)) as told:
        for turn in range(turns):
            await asyncio.sleep(REST_S)
            async with asyncio.timeout(SEEN_S):
                seen = expect(NAME, f"bad {turn}")
                await edit(f"bad {turn}")
                spoilt.append(await _until(told, "OutOfSync") - await seen)
            await asyncio.sleep(REST_S)
            began_s = time.perf_counter()
            async with asyncio.timeout(SEEN_S):
                await daemon.post(f"/api/v1/applications/{NAME}/sync", {})
                synced.append(await _until(told, "Synced") - began_s)
    return [
        Figure("status", f"{what} in the stream, {named}", percentile(took, share) * 1000, "ms", server=server)
        for what, took in (("watch event → OutOfSync", spoilt), ("sync asked for → Synced", synced))
        for named, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def _until(told: AsyncIterator[dict[str, Any]], wanted: str) -> float:
    async for app in told:
        if app.get("status", {}).get("sync", {}).get("status") == wanted:
            return time.perf_counter()
    raise RuntimeError("the stream has ended")

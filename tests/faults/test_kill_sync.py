"""SIGKILL at the n-th write of a sync with hooks, waves and prunes: the next daemon ends it, and runs no hook again."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, Process, until
from tests.e2e.world import World, config_map, text

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
KILLS = 60 if SOAK else 1
MOST_WRITES = 40  # of such a sync, from the start of the daemon on
HOOK = "argocd.argoproj.io/hook"
OPERATION_ID = "gitopsd.io/operation-id"
JOBS = "/apis/batch/v1"


def job(name: str, phase: str, *, suspend: bool = False) -> Json:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "job:1"}]}
    meta = {"annotations": {"sim.gitopsd.io/run-seconds": "0.05"}}
    spec: Json = {"template": {"metadata": meta, "spec": pod}, "suspend": suspend}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": {HOOK: phase}},
        "spec": spec,
    }


def content(turn: int) -> dict[str, str | None]:
    """Return the files of one turn: hooks, two waves, an object that comes and one that goes."""
    later = config_map("later", v=f"{turn}")
    later["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "1"}
    return {
        "hooks.yaml": text(job("before", "PreSync"), job("after", "PostSync")),
        "objects.yaml": text(config_map("first", v=f"{turn}"), later, config_map(f"only-{turn}", v="1")),
    }


@ONCE
@pytest.mark.timeout(1200 if SOAK else 240)
async def test_sync_that_is_killed_anywhere_is_ended_by_the_next_daemon(own: Own) -> None:
    seed = int(os.environ.get("GITOPSD_SEED") or secrets.randbits(32))
    print(f"GITOPSD_SEED={seed}")  # noqa: T201 - by which the run can be had again
    random = Random(seed)  # noqa: S311 - no secret
    async with own(changes={"git": {"poll_s": 1.0}}) as shop:
        repo = shop.repo(files={"objects.yaml": text(config_map("only-0", v="1"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))
        process = shop.daemon.process
        assert 0 == process.stop()
        for turn in range(1, KILLS + 1):
            moment = random.randint(1, MOST_WRITES)
            version = (await shop.here.get(f"{JOBS}{jobs(shop)}")).ok()["metadata"]["resourceVersion"]
            commit = repo.commit(content(turn))
            await dies(process, moment)

            process.start()
            await shop.daemon.ready()
            await shop.daemon.until_synced(shop.name("web"), commit)

            told = f"killed at {moment}, GITOPSD_SEED={seed}"
            assert Counter(before=1, after=1) == await begun(shop, version, turn), told
            maps = (await shop.here.get(shop.path("").rstrip("/"))).ok()["items"]
            live = {item["metadata"]["name"]: item["data"]["v"] for item in maps if "v" in item.get("data", {})}
            assert {"first": f"{turn}", "later": f"{turn}", f"only-{turn}": "1"} == live, told
            assert 0 == process.stop()


async def dies(process: Process, moment: int) -> None:
    """Run the daemon until it is killed at its moment, or has done it all; then stop it."""
    process.start(sys.executable, "-m", "tests.faults.dying", f"{moment}")

    async def ended() -> bool:
        assert process.child is not None
        if process.child.poll() is not None:
            assert -signal.SIGKILL == process.child.returncode, process.log[-3000:]
            return True
        return False

    await until("the daemon is killed", ended, deadline_s=60)
    process.end()


def jobs(shop: World) -> str:
    return f"/namespaces/{shop.namespace}/jobs"


async def begun(shop: World, version: str, turn: int) -> Counter[str]:
    """Return how often each hook was made since `version`."""
    end = f"end-{turn}"
    (await shop.here.post(f"{JOBS}{jobs(shop)}", job(end, "Skip", suspend=True))).ok()
    found: Counter[str] = Counter()
    async with shop.here.watch(f"{JOBS}{jobs(shop)}", resourceVersion=version) as watch:
        events: list[tuple[str, Any]] = await watch.until(lambda _, made: made["metadata"]["name"] == end)
    for kind, made in events:
        if kind == "ADDED" and OPERATION_ID in made["metadata"]["annotations"]:
            found[made["metadata"]["name"]] += 1
    return found

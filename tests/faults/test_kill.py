"""kill -9 of the daemon at random moments, under a stream of commits: every cluster ends equal to Git."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from contextlib import suppress
from random import Random

import aiohttp
import pytest

from tests.e2e.conftest import Own
from tests.e2e.daemon import until
from tests.e2e.world import HERE, THERE, World
from tests.faults.commits import Stream
from tests.faults.deletions import watching

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
KILLS = 50 if SOAK else 10
LONGEST_LIFE_S = 3.0  # of a daemon, from its start; it is ready after about one
COMMIT_EVERY_S = (0.02, 0.4)
GROUPS = {"one": HERE, "two": HERE, "three": HERE, "four": THERE, "five": THERE}


@pytest.mark.timeout(1200 if SOAK else 240)
async def test_killed_at_random_moments_it_loses_nothing_and_deletes_nothing_that_git_holds(own: Own) -> None:
    seed = int(os.environ.get("GITOPSD_SEED") or secrets.randbits(32))
    print(f"GITOPSD_SEED={seed}")  # noqa: T201 - by which the run can be had again
    random = Random(seed)  # noqa: S311 - no secret
    async with own(changes={"git": {"poll_s": 1.0}}) as shop:
        repo = shop.repo()
        stream = Stream(repo, Random(random.random()), GROUPS)  # noqa: S311 - as above
        stream.start()
        await shop.declare(*(shop.application(name, repo, name, cluster=at) for name, at in GROUPS.items()))
        for name in GROUPS:
            await shop.daemon.until_synced(shop.name(name))
        async with (
            watching(shop.clusters[HERE], shop.here, shop.namespace) as here,
            watching(shop.clusters[THERE], shop.there, shop.namespace) as there,
        ):
            committing = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(commits(shop, stream, random, committing), name="commits")
                await kills(shop, random)
                committing.set()
            await equal(shop, stream)
        assert set() == {*here.names, *there.names} - stream.removed, "deleted, though Git holds it"
        assert stream.removed & {*here.names, *there.names}, "nothing was pruned, so nothing was shown"
        print(f"{stream.count} objects, {len(stream.removed)} removed, {KILLS} kills")  # noqa: T201 - a figure


async def commits(shop: World, stream: Stream, random: Random, over: asyncio.Event) -> None:
    """Commit again and again; tell the daemon each time, if it is there."""
    while not over.is_set():
        stream.commit()
        with suppress(aiohttp.ClientError, AssertionError):  # dead, or about to be: its poll finds the commit
            await shop.tell(stream.repo)
        await asyncio.sleep(random.uniform(*COMMIT_EVERY_S))


async def kills(shop: World, random: Random) -> None:
    """Kill the daemon at a random moment of its life, and start it again, many times; it lives in the end."""
    process = shop.daemon.process
    for _ in range(KILLS):
        await asyncio.sleep(random.uniform(0.0, LONGEST_LIFE_S))
        assert process.child is not None
        assert process.child.poll() is None, process.log[-3000:]
        assert -signal.SIGKILL == await asyncio.to_thread(process.stop, signal.SIGKILL)
        process.start()
    await shop.daemon.ready()


async def equal(shop: World, stream: Stream) -> None:
    """Wait until every application is synced to the last commit, and every cluster holds what Git holds."""
    await shop.tell(stream.repo)
    for name in GROUPS:
        await shop.daemon.until_synced(shop.name(name), stream.head, deadline_s=60)
    odd: dict[str, tuple[str | None, str | None]] = {}

    async def same() -> bool:
        odd.clear()
        for cluster, api in ((HERE, shop.here), (THERE, shop.there)):
            listed = (await api.get(f"/api/v1/namespaces/{shop.namespace}/configmaps")).ok()
            live = {item["metadata"]["name"]: item.get("data", {}).get("value") for item in listed["items"]}
            wanted = stream.of(cluster)
            mine = {name: value for name, value in live.items() if name.startswith("map-")}
            for name in wanted.keys() | mine.keys():
                if wanted.get(name) != mine.get(name):
                    odd[name] = wanted.get(name), mine.get(name)
        return not odd

    try:
        await until("the clusters equal Git", same)
    except AssertionError as err:
        raise AssertionError(f"{err}; each with what Git and what the cluster has: {odd}") from None

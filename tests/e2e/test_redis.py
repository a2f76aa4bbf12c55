"""Redis holds nothing that is needed: flushed, killed, stalled or poisoned, the daemon goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from gitopsd.manifests.redis_server import find_redis_server
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import until
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo
from tests.redisserver import RedisServer, redis_server


@ONCE
async def test_flushed_killed_and_back(own: Own) -> None:
    async with redis_server() as redis, own(changes={"redis": {"url": redis.url, "deadline_s": 1}}) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))
        syncs = Syncs(shop, repo)

        async with redis.client() as client:
            await client.flushall()
        await syncs.one()
        await redis.stop()
        await syncs.one()
        assert 1 == await shop.daemon.metric("gitopsd_redis_degraded")
        await shop.daemon.ready()
        await redis.start()

        async def back() -> bool:
            return await shop.daemon.metric("gitopsd_redis_degraded") == 0

        await until("Redis counts as back", back)
        redis.stall()
        await syncs.one()
        redis.go_on()
        await syncs.one()


class Syncs:
    """One commit after another, each seen live."""

    def __init__(self, shop: World, repo: Repo) -> None:
        self.shop, self.repo, self.count = shop, repo, 1

    async def one(self) -> None:
        self.count += 1
        commit = await self.shop.push(self.repo, {"a.yaml": text(config_map("a", v=str(self.count)))})
        await self.shop.until_live("a", {"v": str(self.count)})
        await self.shop.daemon.until_synced(self.shop.name("web"), commit)


@ONCE
async def test_poisoned_and_swapped_entries_are_misses(own: Own) -> None:
    async with redis_server() as redis, own(changes={"redis": {"url": redis.url}}) as shop:
        files = {f"{name}/a.yaml": text(config_map(name, v="1")) for name in "ab"}
        repo = shop.repo(files=files)
        apps = [shop.application(name, repo, name) for name in "ab"]
        await shop.declare(*apps)
        for name in "ab":
            await shop.daemon.until_synced(shop.name(name))
        await poison(redis)
        process = shop.daemon.process

        assert 0 == process.stop()
        process.start()
        await shop.daemon.ready()

        for name in "ab":
            await shop.daemon.until_synced(shop.name(name))
            await shop.daemon.refreshed(shop.name(name))
            assert {"v": "1"} == (await shop.live(name) or {})["data"]
        assert 0 < await shop.daemon.metric("gitopsd_cache_unsealed_total")


async def poison(redis: RedisServer) -> None:
    """Swap the entries, and spoil some."""
    async with redis.client() as client:
        names = sorted(await client.keys("*"))
        values = [await client.get(name) for name in names]
        assert len(names) > 1
        for name, value in zip(names, [*values[1:], values[0]], strict=True):
            await client.set(name, value or b"")
        await client.set(names[0], b"\x00" * 100)


async def test_embedded_server_that_is_killed_is_started_again(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    for pid in children(shop.daemon.process.pid, find_redis_server().program.name):
        os.kill(pid, signal.SIGKILL)

    await Syncs(shop, repo).one()

    async def again() -> bool:
        await shop.daemon.refreshed(shop.name("web"))
        return bool(children(shop.daemon.process.pid, find_redis_server().program.name))

    await until("there is a redis-server again", again)
    async with shop.daemon.session.get(f"{shop.daemon.probes}/readyz") as answer:
        assert str(find_redis_server()) in await answer.text()


def children(parent: int, name: str) -> list[int]:
    """Return the processes of that name that descend from `parent`."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if fields["Name"] == name and int(fields["PPid"]) == parent:
            found.append(int(fields["Pid"]))
    return found

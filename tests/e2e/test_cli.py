"""`gitopsd app …` against a daemon, as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass

from tests.e2e.daemon import TOKEN, Json
from tests.e2e.world import BY_HAND, World, config_map, text


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    def json(self) -> Json:
        found: Json = json.loads(self.out)
        return found


async def gitopsd(shop: World, *arguments: str) -> Said:
    """Run the command line and return what it said."""
    environ = {**os.environ, "GITOPSD_SERVER": shop.daemon.api, "GITOPSD_AUTH_TOKEN": TOKEN}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gitopsd", *arguments),
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return Said(child.returncode or 0, out.decode(), err.decode())


async def test_from_sync_to_rollback(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    await shop.daemon.refreshed(name)

    listed = await gitopsd(shop, "app", "list", "-o", "json")
    assert name in [item["metadata"]["name"] for item in listed.json()["items"]]
    diff = await gitopsd(shop, "app", "diff", name)
    assert (1, True) == (diff.code, "ConfigMap" in diff.out), diff
    dry = await gitopsd(shop, "app", "sync", name, "--dry-run")
    assert 0 == dry.code, dry
    assert await shop.live("a") is None
    synced = await gitopsd(shop, "app", "sync", name)
    assert 0 == synced.code, synced
    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    assert 0 == (await gitopsd(shop, "app", "wait", name, "--timeout", "30")).code

    repo.commit({"a.yaml": text(config_map("a", v="2"))})
    assert 0 == (await gitopsd(shop, "app", "refresh", name)).code
    assert 0 == (await gitopsd(shop, "app", "sync", name)).code
    assert {"v": "2"} == (await shop.live("a") or {})["data"]
    history = await gitopsd(shop, "app", "history", name, "-o", "json")
    assert 2 == len(history.json())
    assert "v: '2'" in (await gitopsd(shop, "app", "manifests", name)).out.replace('"', "'")

    back = await gitopsd(shop, "app", "rollback", name)
    assert 0 == back.code, back
    assert {"v": "1"} == (await shop.live("a") or {})["data"]


async def test_delete(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(name)

    undecided = await gitopsd(shop, "app", "delete", name, "--yes")
    assert 2 == undecided.code, undecided
    gone = await gitopsd(shop, "app", "delete", name, "--cascade", "--yes")
    assert 0 == gone.code, gone

    await shop.daemon.until_gone(name)
    assert await shop.live("a") is None
    unknown = await gitopsd(shop, "app", "get", name)
    assert unknown.code not in (0, 1)
    assert name in unknown.err


async def test_terminate_and_a_failed_sync_are_told_by_the_exit_code(shop: World) -> None:
    broken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc"}, "spec": {"ports": [{"port": 99999}]}}
    repo = shop.repo(files={"a.yaml": text(broken)})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    await shop.daemon.refreshed(name)

    failed = await gitopsd(shop, "app", "sync", name)
    assert 1 == failed.code, failed
    assert "99999" in failed.out + failed.err
    idle = await gitopsd(shop, "app", "terminate-op", name)
    assert idle.code not in (0, 1), idle

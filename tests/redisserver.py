"""A real redis-server for tests: started in a temporary directory, killed, restarted, stalled and flushed at will."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis.asyncio

from gitopsd.manifests.redis_server import find_redis_server

START_S = 60.0


@dataclass
class RedisServer:
    """One redis-server on a unix socket, without a password; empty after each start."""

    folder: Path
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'redis.sock'}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        socket = self.folder / "redis.sock"
        socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(
                find_redis_server().program,
                "--port",
                "0",
                "--unixsocket",
                str(socket),
                "--save",
                "",
                "--appendonly",
                "no",
            ),
            stdout=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
        )
        async with asyncio.timeout(START_S), self.client() as client:
            while True:
                try:
                    await client.ping()
                except redis.RedisError:
                    await asyncio.sleep(0.01)
                else:
                    return

    async def stop(self) -> None:
        """Kill it, as if the machine had gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def stall(self) -> None:
        """Have it accept connections and answer nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[redis.asyncio.Redis]:
        """Give what an attacker, or an operator, has: the bare database."""
        client = redis.asyncio.Redis.from_url(self.url)
        try:
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run a redis-server for the block."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        server = RedisServer(Path(folder))
        try:
            await server.start()
            yield server
        finally:
            await server.stop()

"""A private redis-server: no set-up for the user, and nothing left behind, however the daemon ends."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

import structlog

from gitopsd.backoff import backoff_s
from gitopsd.errors import InvalidSettings, Retryable
from gitopsd.manifests.redis_server import find_redis_server
from gitopsd.runtime.tasks import supervise

MEMORY_BYTES = 256 << 20  # of entries; the least recently used go first
SOCKET_PATH_BYTES = 107  # what the kernel allows
STOP_S = 2.0
POLL_S = 0.01
log = structlog.get_logger()


class RedisEnded(Retryable):
    """The private redis-server ended by itself."""


class EmbeddedRedis:
    """Runs redis-server on a unix socket in `run_dir`, restarted when it dies; a service.

    It listens on no port, writes no file, asks for a password that is made anew at each start of the daemon, and is
    killed by the kernel when the daemon ends.
    """

    name = "redis"

    def __init__(self, run_dir: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Find a redis-server, which takes some milliseconds.

        Raises:
            InvalidSettings: there is none, or `run_dir` is too long for a socket.
        """
        self.server = find_redis_server()
        self._run_dir = run_dir
        self._socket = run_dir / "redis.sock"
        self._memory_bytes = memory_bytes
        self._listening = asyncio.Event()
        self.password = secrets.token_urlsafe(32)
        if len(os.fsencode(self._socket)) > SOCKET_PATH_BYTES:
            raise InvalidSettings(
                f"{self._socket} is longer than a socket's path may be", remedy="set a shorter run_dir"
            )

    @property
    def url(self) -> str:
        """Where it listens, without the password."""
        return f"unix://{quote(str(self._socket))}"

    async def ready(self) -> None:
        """Wait until it listens."""
        await self._listening.wait()

    async def run(self) -> None:
        """Keep a redis-server running until cancelled."""
        (log.info if self.server.kept_well else log.warning)("redis.private", server=str(self.server))
        await supervise(self.name, self._serve, delay_s=pause_s)

    async def _serve(self) -> None:
        self._socket.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-I",
                "-m",
                "gitopsd.runtime.die_with_parent",
                str(os.getpid()),
                str(self.server.program),
                "-",
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._run_dir,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            start_new_session=True,  # a Ctrl-C in the terminal is for the daemon, which stops it last
        )
        try:
            ending = await self._until_it_ends(process)
        finally:
            self._listening.clear()
            await _end(process)
            self._socket.unlink(missing_ok=True)
        raise RedisEnded(f"redis-server ended: {ending}", remedy="it is started again; see the machine's memory")

    async def _until_it_ends(self, process: asyncio.subprocess.Process) -> str:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(process), name="redis listens")
            # Its settings go by its input: a command line is for all to read.
            talk = group.create_task(process.communicate(self._configuration().encode()), name="redis says")
        lines = talk.result()[0].decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {process.returncode}")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_unix_connection(self._socket)
            except OSError:
                await asyncio.sleep(POLL_S)
                continue
            writer.close()
            self._listening.set()
            return

    def _configuration(self) -> str:
        return "\n".join(
            (
                "port 0",
                f'unixsocket "{self._socket}"',
                "unixsocketperm 700",
                f"requirepass {self.password}",
                'save ""',
                "appendonly no",
                f"maxmemory {self._memory_bytes}",
                "maxmemory-policy allkeys-lru",
                "daemonize no",
                "loglevel warning",
                "",
            )
        )


def pause_s(failures: int) -> float:
    """Return the wait before it is started again: 0.1 s doubled each time, 10 s at most."""
    return backoff_s(failures, first_s=0.1, longest_s=10.0)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

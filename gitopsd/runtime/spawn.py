"""Starts a child without copying this process, and waits for it on the loop.

uvloop forks as the textbook says, which copies the page tables: 8 ms with a small heap and 30 ms with 120 MB, and the
loop stands still meanwhile. `subprocess.Popen` borrows the memory instead (vfork), 1 ms whatever the heap.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

CHUNK_BYTES = 64 << 10
PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL


class ChildProcess:
    """A started process; it is reaped by the loop that started it, so its number stays its own until then."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._pipes: list[_Reading] = []
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        try:
            self._handle = os.pidfd_open(popen.pid)
        except OSError:  # a kernel before 5.3: a thread waits, and leaves the reaping to the loop
            threading.Thread(target=self._wait, name=f"wait for {popen.pid}", daemon=True).start()
        else:
            self._loop.add_reader(self._handle, self._readable)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs, or has not been heard to end."""
        return self._popen.returncode

    async def wait(self) -> int:
        await self._over.wait()
        return self._popen.wait()

    def output(self) -> tuple[asyncio.StreamReader, asyncio.StreamReader]:
        """Return what reads its output and its errors, both of which were to be pipes; to be called once."""
        return self._reader(self._popen.stdout), self._reader(self._popen.stderr)

    async def drained(self) -> None:
        """Read its pipes to their end, which comes when nobody holds them open any more: it and all it started."""
        for pipe in self._pipes:
            while await pipe.reader.read(CHUNK_BYTES):
                pass

    def close(self) -> None:
        """Close the pipes on our side; who reads its input hears of that."""
        for reading in self._pipes:
            reading.close()
        taken = len(self._pipes)
        for pipe in (self._popen.stdin, *(self._popen.stdout, self._popen.stderr)[taken:]):
            if pipe is not None:
                pipe.close()

    def _reader(self, pipe: IO[bytes] | None) -> asyncio.StreamReader:
        if pipe is None:
            raise ValueError("it was started without a pipe there")
        self._pipes.append(_Reading(self._loop, pipe))
        return self._pipes[-1].reader

    def _readable(self) -> None:
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        self._ended()

    def _wait(self) -> None:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        self._popen.wait()
        self._over.set()


class _Reading(asyncio.ReadTransport):
    """Feeds what comes out of a pipe to a reader.

    uvloop's `connect_read_pipe` closes the descriptor twice (uvloop#763); what a thread opened in between under the
    same number, be it a listener or a database, is closed with it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pipe: IO[bytes]) -> None:
        super().__init__()
        self.reader = asyncio.StreamReader()
        self._loop = loop
        self._pipe = pipe
        os.set_blocking(pipe.fileno(), False)
        self.reader.set_transport(self)
        self.resume_reading()

    def pause_reading(self) -> None:
        self._loop.remove_reader(self._pipe.fileno())

    def resume_reading(self) -> None:
        if not self._pipe.closed:
            self._loop.add_reader(self._pipe.fileno(), self._readable)

    def close(self) -> None:
        if not self._pipe.closed:
            self.pause_reading()
            self._pipe.close()
            self.reader.feed_eof()

    def _readable(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return
        if data:
            self.reader.feed_data(data)
        else:
            self.close()


def spawn(  # noqa: PLR0913 - what a process is given
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    stderr: int = DEVNULL,
    fds: Sequence[int] = (),
) -> ChildProcess:
    """Start `command` in a session of its own, now: there is no await in which a started child could be lost.

    Args:
        command: the program, looked up in the PATH of `env`, and its arguments.
        env: the whole environment.
        cwd: where it starts; None: where this process is.
        stdin: PIPE or DEVNULL, as `stdout` and `stderr`.
        stdout: see there.
        stderr: see there.
        fds: file descriptors that it inherits under the same numbers.

    Raises:
        OSError: it cannot be started.
    """
    return ChildProcess(
        subprocess.Popen(  # noqa: S603 - callers' own words
            command,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(fds),
            start_new_session=True,
        )
    )

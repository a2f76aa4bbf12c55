"""`git` as a child that cannot outlive its deadline, nor the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from gitopsd.runtime.deadline import within
from gitopsd.runtime.spawn import PIPE, ChildProcess, spawn

STDOUT_BYTES = 64 << 20  # 500,000 refs
STDERR_BYTES = 64 << 10  # its end is kept: there the reason stands
CHUNK_BYTES = 64 << 10
GONE_S = 5.0  # for a killed group to be gone

# The shell leads a process group of its own, and a reader waits on the pipe that only the daemon holds open. However
# the daemon ends, the pipe ends with it, and the reader kills the group: git, its transports, all they have started.
# PR_SET_PDEATHSIG would reach git alone, and leave a transport that trickles.
LEASH = """\
exec 3<&0 </dev/null
(read -r _ <&3; kill -KILL 0) &
leash=$!
exec 3<&-
{commands}
code=$?
kill "$leash" 2>/dev/null
wait "$leash" 2>/dev/null
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class GitResult:
    code: int  # above 128: killed by that signal
    stdout: bytes
    stderr: str


class OutputTooLong(Exception):
    """More than `STDOUT_BYTES` came."""


async def run(
    *commands: Sequence[str],
    env: Mapping[str, str],
    deadline_s: float,
    what: str,
    fds: Sequence[int] = (),
    watch: Callable[[], Coroutine[Any, Any, NoReturn]] | None = None,
) -> GitResult:
    """Run `commands` until one fails and return how the last ended; leaving early kills the whole group.

    Early is by deadline, error or cancellation. One shell runs them all, since a start costs as much as a short git.

    Args:
        commands: each a program and its arguments.
        env: the whole environment; nothing is inherited.
        deadline_s: for all of them.
        what: names the work where the deadline passes.
        fds: file descriptors they inherit under the same numbers.
        watch: runs beside them; what it raises ends them, and leaves.

    Raises:
        TooSlow: the deadline passed.
        OutputTooLong: more came than anybody wants to hold.
    """
    return await within(deadline_s, what, _run(" && ".join(map(shlex.join, commands)), env, fds, watch))


async def _run(
    commands: str,
    env: Mapping[str, str],
    fds: Sequence[int],
    watch: Callable[[], Coroutine[Any, Any, NoReturn]] | None,
) -> GitResult:
    child = _started(commands, env, fds)
    try:
        output, errors = child.output()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(), name="watch git") if watch else None
            stdout = group.create_task(_all(output), name="git stdout")
            stderr = group.create_task(_end(errors), name="git stderr")
            code = await child.wait()
            await asyncio.wait((stdout, stderr))
            if watching:
                watching.cancel()
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    finally:
        await _bury(child)
    return GitResult(code if code >= 0 else 128 - code, stdout.result(), stderr.result().decode(errors="replace"))


def _started(commands: str, env: Mapping[str, str], fds: Sequence[int]) -> ChildProcess:
    shell = ("/bin/sh", "-c", LEASH.format(commands=commands), "gitopsd-git")
    return spawn(shell, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE, fds=fds)


async def _bury(child: ChildProcess) -> None:
    try:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and the loop has not heard of it yet
                os.killpg(child.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GONE_S):
                    await child.wait()
                    await child.drained()
    finally:
        child.close()


async def _all(stream: asyncio.StreamReader) -> bytes:
    parts, size = [], 0
    while chunk := await stream.read(CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > STDOUT_BYTES:
            raise OutputTooLong
    return b"".join(parts)


async def _end(stream: asyncio.StreamReader) -> bytes:
    end = b""
    while chunk := await stream.read(CHUNK_BYTES):
        end = (end + chunk)[-STDERR_BYTES:]
    return end

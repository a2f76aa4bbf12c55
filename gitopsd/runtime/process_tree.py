"""The whole descent of a process: what it started, and what that started, also where it left its group."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
MARK = "GITOPSD_WORKER"  # in a worker's environment, and in that of everything it starts
SHELL_SIGNALS = 128  # an exit code above it is a signal's number, as shells and bubblewrap tell it
IDLE = 19  # nice: the lowest priority
ROUNDS = 100  # what forks while it is stopped is looked for again, so often


def kill_descent(pid: int | None, mark: bytes) -> None:
    """Kill process `pid`, its group, and all that descends from it or carries `mark` in its environment.

    None for a process that was waited for already: its number may be somebody else's by now, so what it left is
    found by `mark` alone. Processes that end meanwhile are no error.
    """
    if pid is not None:
        _signal(os.kill, pid, signal.SIGSTOP)  # it starts nothing more, and its children's leavings stay below it
    _kill(lambda: {*_marked(mark), *(_below(pid) if pid is not None else ())} - {pid, os.getpid()})
    if pid is not None:
        _signal(os.killpg, pid, signal.SIGKILL)
        _signal(os.kill, pid, signal.SIGKILL)


def kill_all(roots: Callable[[], Collection[int]]) -> None:
    """Kill the processes that `roots` names, children of this one, and all below them, and wait for them."""
    while pids := roots() or roots():  # twice: the kernel may leave some out of the list while others end
        _kill(lambda pids=pids: {pid for root in pids if _alive(root) for pid in (root, *_below(root))})  # type: ignore[misc]
        for root in pids:
            with suppress(ChildProcessError):
                os.waitpid(root, 0)


def lower_priority(pid: int) -> None:
    """Have process `pid` and all that descends from it run when nobody else needs the processor."""
    for member in (pid, *_below(pid)):
        for thread in PROC.glob(f"{member}/task/*"):  # the kernel has it for each; those that they start have theirs
            with suppress(ProcessLookupError, PermissionError):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), IDLE)
        with suppress(OSError):  # a session is weighed as a whole, where the kernel has that: nice counts within it
            (PROC / str(member) / "autogroup").write_text(str(IDLE))


def _kill(living: Callable[[], Collection[int]]) -> None:
    """Stop them all before the first is killed: what is stopped forks no more, and still counts for its limit.

    On return they are gone, but for one that waits for a device.
    """
    stopped: set[int] = set()
    for _ in range(ROUNDS):
        fresh = {*living()} - stopped
        if not fresh:
            break
        for one in fresh:
            _signal(os.kill, one, signal.SIGSTOP)
        stopped |= fresh
    for _ in range(ROUNDS):
        for one in stopped:
            _signal(os.kill, one, signal.SIGKILL)
        stopped = {one for one in stopped if _alive(one)}
        if not stopped:
            break
        time.sleep(0.001)


def _below(pid: int) -> Iterator[int]:
    for children in PROC.glob(f"{pid}/task/*/children"):
        with suppress(OSError):  # the thread ended meanwhile
            for child in children.read_text().split():
                if _alive(int(child)):
                    yield int(child)
                yield from _below(int(child))


def _marked(mark: bytes) -> Iterator[int]:
    for process in PROC.iterdir():
        if process.name.isdecimal():
            with suppress(OSError):  # ended meanwhile, or somebody else's
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    yield int(process.name)


def _alive(pid: int) -> bool:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(pid, number)

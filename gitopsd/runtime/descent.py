"""The whole descent of a process: what it started, and what that started, also where it left its group."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
MARK = "GITOPSD_WORKER"  # in a worker's environment, and in that of everything it starts
ROUNDS = 10  # a descent that forks while it is killed is looked for again, so often


def kill_descent(pid: int | None, mark: bytes) -> None:
    """Kill process `pid`, its group, and all that descends from it or carries `mark` in its environment.

    None for a process that was waited for already: its number may be somebody else's by now, so what it left is
    found by `mark` alone. Processes that end meanwhile are no error.
    """
    if pid is not None:
        _signal(os.kill, pid, signal.SIGSTOP)  # it starts nothing more, and its children's leavings stay below it
    for _ in range(ROUNDS):
        found = {*_marked(mark), *(_below(pid) if pid is not None else ())} - {pid, os.getpid()}
        if not found:
            break
        for one in found:
            _signal(os.kill, one, signal.SIGKILL)
    if pid is not None:
        _signal(os.killpg, pid, signal.SIGKILL)
        _signal(os.kill, pid, signal.SIGKILL)


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

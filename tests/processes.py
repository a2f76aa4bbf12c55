"""What everybody on this machine can see of processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def processes() -> Iterator[tuple[int, str]]:
    """Every process of this machine that is not a zombie: id and command line."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (line := (entry / "cmdline").read_bytes()):
                yield int(entry.name), line.replace(b"\0", b" ").decode(errors="replace")


def mentioning(text: str) -> list[str]:
    return [line for pid, line in processes() if text in line and pid != os.getpid()]


def environment(pid: int) -> bytes:
    """The environment a process was started with; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def arguments(pid: int) -> bytes:
    """What a process was started as; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def descendants(pid: int) -> Iterator[int]:
    """The processes that `pid` has started, and theirs."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))

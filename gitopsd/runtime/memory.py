"""Directories that are in memory: what is written there never reaches a disk, unless the machine swaps."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gitopsd.runtime.locked_directories import claimed, sweep

MOUNTS = Path("/proc/self/mountinfo")
SHARED = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there, for us alone
KINDS = ("tmpfs", "ramfs")


def in_memory(path: Path) -> bool:
    """Tell whether `path`, or what of the way to it is there, is on a file system in memory."""
    there = next(ancestor for ancestor in (path, *path.parents) if ancestor.exists()).resolve()
    longest, kind = "", ""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return False
    for line in lines:
        fields, _, after = line.partition(" - ")
        mount = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split()[4])
        # Of two mounts on one place the later one is seen.
        if there.is_relative_to(mount) and len(mount) >= len(longest):
            longest, kind = mount, after.split()[0]
    return kind in KINDS


def best_place(path: Path) -> Path:
    """Return `path` where it is in memory, else a place of ours that is, else `path` all the same; make none."""
    if in_memory(path) or not in_memory(SHARED):
        return path
    ours = SHARED / f"{_prefix()}{hashlib.blake2b(bytes(path), digest_size=8).hexdigest()}"
    try:
        status = ours.lstat()
    except OSError:
        return ours
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return ours if owned else path


@contextmanager
def kept(directory: Path) -> Iterator[None]:
    """Have `directory`, as `best_place` has chosen it, for the block; it is removed after it.

    Such places of processes that were killed, and did not come back, are removed before.
    """
    with ExitStack() as stack:
        if directory.parent == SHARED:
            sweep(SHARED, _prefix())
            with suppress(OSError):  # who writes there first tells why it cannot be used
                stack.enter_context(claimed(directory))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        yield


def _prefix() -> str:
    return f"gitopsd-{os.geteuid()}-"

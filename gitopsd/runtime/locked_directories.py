"""Directories that go with their process: locked while it lives, and swept by a later one if it was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
JUST_MADE_S = 60.0  # a directory without a lock is this long one of another process that is about to take it


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Hold `directory`, which is made where it is missing, for the block; more than one may.

    Raises:
        OSError: it cannot be made, or is somebody else's.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_mine(directory):
        raise PermissionError(errno.EPERM, "it is somebody else's", str(directory))
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def is_claimed(directory: Path) -> bool:
    """Tell whether a process holds `directory`, or may be about to."""
    try:
        with (directory / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        status = _status(directory)
        return status is not None and time.time() - status.st_mtime < JUST_MADE_S
    return False


def places(folder: Path, prefix: str) -> list[Path]:
    """Return this user's directories in `folder` whose names begin with `prefix`, never a link to somewhere else."""
    return sorted(directory for directory in folder.glob(f"{prefix}*") if _is_mine(directory))


def sweep(folder: Path, prefix: str) -> None:
    """Remove those of `places` whose processes were killed."""
    for directory in places(folder, prefix):
        if not is_claimed(directory):
            shutil.rmtree(directory, ignore_errors=True)


def _is_mine(directory: Path) -> bool:
    status = _status(directory)
    return status is not None and stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _status(directory: Path) -> os.stat_result | None:
    """Return what `directory` is; None where it has just gone."""
    try:
        return directory.lstat()
    except OSError:
        return None

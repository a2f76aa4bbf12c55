"""The directory of one demo: locked while it runs, removed when it ends, swept by a later one if it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitopsd.errors import InvalidSettings, NotFound

PREFIX = "gitopsd-demo-"
LOCK = "lock"
JUST_MADE_S = 60.0  # a directory without a lock is this long another demo that is about to take it


@contextmanager
def home(wanted: Path | None) -> Iterator[Path]:
    """Make and hold the demo's directory; a `wanted` one must be new or empty, and stays when the demo ends.

    Raises:
        InvalidSettings: `wanted` holds something.
    """
    sweep()
    if wanted is None:
        path = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    else:
        path = wanted.absolute()
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise InvalidSettings(f"{path} is not empty", remedy="name a directory that is new or empty")
    with (path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            if wanted is None:
                shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Remove the directories of demos that were killed."""
    for path in _ours():
        if not _held(path):
            shutil.rmtree(path, ignore_errors=True)


def running_demo(named: Path | None) -> Path:
    """Return the directory of the demo that runs, of the one in `named` where it is given.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = [named.absolute()] if named else [path for path in _ours() if _held(path)]
    if not found:
        raise NotFound("no demo is running", remedy="start one with `gitopsd demo`")
    if len(found) > 1:
        names = " or ".join(str(path) for path in found)
        raise NotFound("more than one demo is running", remedy=f"name one with --dir {names}")
    return found[0]


def _ours() -> list[Path]:
    """Return the demo directories of this user, never a link to somewhere else."""
    found = Path(tempfile.gettempdir()).resolve().glob(f"{PREFIX}*")
    return sorted(path for path in found if not path.is_symlink() and path.is_dir() and _mine(path))


def _mine(path: Path) -> bool:
    return path.lstat().st_uid == os.geteuid()


def _held(path: Path) -> bool:
    try:
        with (path / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return time.time() - path.lstat().st_mtime < JUST_MADE_S
    return False

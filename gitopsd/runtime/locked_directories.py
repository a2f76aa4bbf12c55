"""Directories that go with their process: locked while it lives, and swept by a later one if it was killed.

The lock is on the directory itself: nothing lies in it that a program there could touch, and a process that ends lets
go of its locks however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def claimed(place: Path) -> Iterator[None]:
    """Hold `place`, which is made where it is missing, for the block; more than one may.

    Raises:
        OSError: it cannot be made, or is somebody else's.
    """
    lock = _claim(place)
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def temporary(folder: Path, prefix: str) -> Iterator[Path]:
    """Have a new directory in `folder` for the block, for the owner alone; its name begins with `prefix`.

    Raises:
        OSError: it cannot be made.
    """
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    with claimed(place):
        try:
            yield place
        finally:
            remove(place)


def own(place: Path) -> None:
    """Make `place` where it is missing, for the owner alone.

    Raises:
        OSError: it cannot be made, or is somebody else's, who was faster in a directory for all.
    """
    while True:
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            status = _status(place)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                raise
            continue  # it was swept between the look at it and the next
        break
    status = _status(place)
    if status is not None and not _is_mine(status):
        raise PermissionError(errno.EPERM, "it is somebody else's", str(place))


def is_claimed(place: Path) -> bool:
    """Tell whether a process holds `place`."""
    try:
        os.close(_locked(place, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def places(folder: Path, prefix: str) -> list[Path]:
    """Return this user's directories in `folder` whose names begin with `prefix`, never a link to somewhere else."""
    return sorted(
        place for place in folder.glob(f"{prefix}*") if (status := _status(place)) is not None and _is_mine(status)
    )


def sweep(folder: Path, prefix: str) -> None:
    """Remove those of `places` whose processes were killed."""
    for place in places(folder, prefix):
        try:
            lock = _locked(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use, or gone
        try:
            remove(place)  # whoever is about to claim it waits for the lock, and finds that it is gone
        finally:
            os.close(lock)


def remove(directory: Path) -> None:
    """Remove a directory with all that is in it, also where a program there took the right to from its owner."""
    for folder, names, _ in os.walk(directory):  # from above, so that what is below can be listed
        for place in (Path(folder, name) for name in names):
            with suppress(OSError):
                if not place.is_symlink():
                    place.chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _claim(place: Path) -> int:
    """Return a descriptor that holds `place` until it is closed."""
    while True:
        own(place)
        with suppress(FileNotFoundError):  # it was swept just now
            lock = _locked(place, fcntl.LOCK_SH)
            status = _status(place)
            if status is not None and os.path.samestat(status, os.fstat(lock)):
                return lock
            os.close(lock)


def _locked(place: Path, how: int) -> int:
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, how)
    except OSError:
        os.close(lock)
        raise
    return lock


def _is_mine(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _status(place: Path) -> os.stat_result | None:
    """Return what `place` is; None where it has just gone."""
    try:
        return place.lstat()
    except OSError:
        return None

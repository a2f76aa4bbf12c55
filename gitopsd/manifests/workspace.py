"""A directory of one render, for programs that read files by themselves: its content is what a closure names."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from gitopsd.errors import InvalidManifest, WorkspaceUnusable
from gitopsd.ports import Tree

PREFIX = "render-"
EXECUTABLE = "100755"  # a file's mode in Git, with which what a closure saw begins


@contextmanager
def workspace(base: str) -> Iterator[Path]:
    """Have an empty directory below `base` for the block, for the owner alone.

    What killed workers left there is removed by the first use in a process: a directory in use is locked, and a
    process that ends lets go of its locks however it ends.

    Raises:
        WorkspaceUnusable: `base` cannot be written to.
    """
    try:
        Path(base).mkdir(mode=0o700, parents=True, exist_ok=True)
        if Path(base).lstat().st_uid != os.geteuid():  # somebody else was faster, in a directory for all
            raise PermissionError(errno.EPERM, "it is somebody else's")
        _swept(base)
        with _locked(base, fcntl.LOCK_SH):  # so that nobody sweeps it between the two lines
            directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
            lock = _lock(directory, fcntl.LOCK_EX)
    except OSError as err:
        raise _unusable(base, err) from err
    try:
        yield directory
    finally:
        _remove(directory)
        os.close(lock)


def lay_out(into: Path, tree: Tree, *, instead: Mapping[str, bytes], max_bytes: int) -> None:
    """Write every file and link that `tree` was asked for into `into`, where the repository has it.

    What the tree follows stays inside the repository, so it stays inside `into`. `instead` holds the contents of
    files that are to differ.

    Raises:
        InvalidManifest: all together have more than `max_bytes`.
        WorkspaceUnusable: they cannot be written.
    """
    remaining = max_bytes
    files = {
        key.removeprefix("file:"): state for key, state in tree.closure().items() if state and key.startswith("file:")
    }
    for path, state in files.items():
        data = instead.get(path)
        if data is None:
            data = tree.read(path, max_bytes=max_bytes) or b""
        remaining -= len(data)
        if remaining < 0:
            raise InvalidManifest(
                f"the files that {path} is one of have more than {max_bytes} bytes",
                remedy="split the application, or raise render.max_bytes",
            )
        _write(into, path, data, executable=state.startswith(EXECUTABLE))
    try:
        for path, target in tree.links().items():
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).symlink_to(target)
    except OSError as err:
        raise _unusable(str(into), err) from err


def _write(into: Path, path: str, data: bytes, *, executable: bool) -> None:
    try:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        with (into / path).open("xb") as file:  # new: never through a link, never over another file
            file.write(data)
            if executable:
                os.fchmod(file.fileno(), 0o755)
    except OSError as err:
        if err.errno in (errno.ENAMETOOLONG, errno.EINVAL):
            raise InvalidManifest(f"{path[:200]} is no name for a file here", remedy="rename it in Git") from err
        raise _unusable(str(into), err) from err


@cache
def _swept(base: str) -> bool:
    with _locked(base, fcntl.LOCK_EX):
        for leftover in Path(base).glob(f"{PREFIX}*"):
            try:
                os.close(_lock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB))
            except OSError:
                continue  # in use
            _remove(leftover)
    return True


def _remove(directory: Path) -> None:
    """Remove a directory with all that is in it, also where a program there took the right to from its owner."""
    for folder, names, _ in os.walk(directory):  # from above, so that what is below can be listed
        for path in (Path(folder, name) for name in names):
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _locked(directory: str, how: int) -> Iterator[None]:
    lock = _lock(Path(directory), how)
    try:
        yield
    finally:
        os.close(lock)


def _lock(directory: Path, how: int) -> int:
    """Return a descriptor that holds the lock until it is closed."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, how)
    except OSError:
        os.close(opened)
        raise
    return opened


def _unusable(where: str, err: OSError) -> WorkspaceUnusable:
    return WorkspaceUnusable(
        f"files for a render cannot be laid out in {where}: {err.strerror or err}",
        remedy="see run_dir in the settings: it must be writable, with room for a render's files",
    )

"""A directory of one render, for programs that read files by themselves: its content is what a closure names."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from gitopsd.errors import InvalidManifest, WorkspaceUnusable
from gitopsd.ports import Tree
from gitopsd.runtime.locked_directories import own, sweep, temporary

PREFIX = "render-"
EXECUTABLE = "100755"  # a file's mode in Git, with which what a closure saw begins


@contextmanager
def workspace(base: str) -> Iterator[Path]:
    """Have an empty directory below `base` for the block, for the owner alone.

    What killed workers left there is removed by the first use in a process.

    Raises:
        WorkspaceUnusable: `base` cannot be written to.
    """
    stack = ExitStack()
    try:
        own(Path(base))
        _swept(base)
        directory = stack.enter_context(temporary(Path(base), PREFIX))
    except OSError as err:
        raise _unusable(base, err) from err
    with stack:
        yield directory


@cache
def _swept(base: str) -> None:
    sweep(Path(base), PREFIX)


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


def _unusable(where: str, err: OSError) -> WorkspaceUnusable:
    return WorkspaceUnusable(
        f"files for a render cannot be laid out in {where}: {err.strerror or err}",
        remedy="see run_dir in the settings: it must be writable, with room for a render's files",
    )

"""The declaration files of a directory: which there are, in what state, what they hold. Blocks: call it in a thread."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILES = 20_000
MAX_ENTRIES = 200_000  # looked at, of any kind: a directory named by mistake may be a whole disk
MAX_FILE_BYTES = 8 << 20
MAX_BYTES = 256 << 20  # of all files together
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class State:
    """Of one file; a changed content changes it, unless within the clock tick of the file system."""

    device: int
    inode: int
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Scan:
    files: tuple[tuple[str, State], ...]  # by path, sorted
    modified_ns: int  # when the latest file or directory of it was changed; 0: there is none
    faults: tuple[str, ...]  # what could not be looked at, so that nothing may be taken for removed


def scan(directory: Path, *, recurse: bool) -> Scan:
    """Return the declaration files below `directory`.

    Links are followed, also out of it: Kubernetes mounts a ConfigMap as links to `..data`. Names that begin with a
    dot are left out: in such a mount they are the same files again.
    """
    scanner = _Scanner(recurse)
    try:
        scanner.directory(directory, 0)
    except _TooMuch as err:
        scanner.faults.append(f"{directory}: {err}")
    return Scan(tuple(sorted(scanner.files.items())), scanner.modified_ns, tuple(sorted(scanner.faults)))


def read(path: str, state: State) -> bytes:
    """Return the content of a file in the state that was scanned.

    Raises:
        OSError: it cannot be read, or it changed since.
    """
    with open(path, "rb", opener=_opener) as file:
        content = file.read(MAX_FILE_BYTES + 1)
        if _state(os.fstat(file.fileno())) != state or len(content) != state.size:
            raise OSError(0, "it changed while it was read")
    return content


class _TooMuch(Exception):
    """A limit is reached."""


class _Scanner:
    def __init__(self, recurse: bool) -> None:  # noqa: FBT001 - private, one caller
        self.files: dict[str, State] = {}
        self.faults: list[str] = []
        self.modified_ns = 0
        self._recurse = recurse
        self._seen: set[tuple[int, int]] = set()  # directories: a link may lead back up
        self._entries = 0
        self._bytes = 0

    def directory(self, directory: Path, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _TooMuch(f"directories are nested more than {MAX_DEPTH} deep")
        try:
            status = directory.stat()
            entries = list(self._counted(directory))
        except OSError as err:
            self.faults.append(f"{directory}: {_why(err)}; make it a directory that gitopsd may read")
            return
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        self.modified_ns = max(self.modified_ns, status.st_mtime_ns)
        for entry in entries:
            self._entry(entry, depth)

    def _counted(self, directory: Path) -> Iterator[Path]:
        with os.scandir(directory) as entries:
            for entry in entries:
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    raise _TooMuch(f"there are more than {MAX_ENTRIES} entries")
                if not entry.name.startswith("."):
                    yield Path(entry.path)

    def _entry(self, path: Path, depth: int) -> None:
        declares = path.name.lower().endswith(SUFFIXES)
        try:
            status = path.stat()
        except OSError as err:
            if declares or self._recurse:
                self.faults.append(f"{path}: {_why(err)}; mend or remove it")
            return
        if stat.S_ISDIR(status.st_mode):
            if self._recurse:
                self.directory(path, depth + 1)
        elif declares and stat.S_ISREG(status.st_mode):
            self._file(path, status)

    def _file(self, path: Path, status: os.stat_result) -> None:
        if status.st_size > MAX_FILE_BYTES:
            self.faults.append(f"{path}: larger than {MAX_FILE_BYTES} bytes; split it")
            return
        self._bytes += status.st_size
        if len(self.files) == MAX_FILES or self._bytes > MAX_BYTES:
            raise _TooMuch(f"there are more than {MAX_FILES} files or {MAX_BYTES} bytes of declarations")
        self.files[str(path)] = _state(status)
        self.modified_ns = max(self.modified_ns, status.st_mtime_ns)


def _why(err: OSError) -> str:
    return (err.strerror or str(err)).lower()


def _state(status: os.stat_result) -> State:
    return State(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _opener(path: str, flags: int) -> int:
    # Between scan and open a file may have become a pipe, whose other end nobody opens.
    return os.open(path, flags | os.O_NONBLOCK)

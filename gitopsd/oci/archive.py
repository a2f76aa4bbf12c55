"""The files of a layer: a tar, gzipped or not, read without trusting a byte of it. Blocks."""

from __future__ import annotations

import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from gitopsd.errors import InvalidManifest
from gitopsd.settings import OciSettings

GZIP = b"\x1f\x8b"
MAX_PATH = 4096  # characters
MAX_DEPTH = 128
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    path: str  # relative, with "/", without "." and ".."
    content: bytes = b""  # of a link: its target
    executable: bool = False
    link: bool = False
    same_as: str = ""  # a hard link: the path of a file before it


def files(layer: bytes, limits: OciSettings) -> Iterator[ArchiveFile]:
    """Yield every file and symbolic link of a layer, in its order; a later one of the same path counts.

    Where a symbolic link leads is looked at by whoever follows it.

    Raises:
        InvalidManifest: it is no archive, one of its paths leaves it, it holds a device, or it is above a limit.
    """
    whole = _BoundedLayer(layer, limits.max_unpacked_bytes)
    count = 0
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", whole), mode="r|") as archive:
            for entry in archive:
                count += 1
                if count > limits.max_files:
                    raise _refused(f"has more than {limits.max_files} entries", "raise oci.max_files, or push less")
                if entry.isdir():
                    _path(entry.name)
                    continue
                if entry.size > limits.max_layer_bytes:
                    remedy = "raise oci.max_layer_bytes, or push less"
                    raise _refused(f"holds {entry.name[:200]} of {entry.size} bytes", remedy)
                yield _file(entry, archive)
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError) as err:
        raise _refused(f"is no archive: {err}"[:200], "push it as a tar, gzipped or not") from None


def _file(entry: tarfile.TarInfo, archive: tarfile.TarFile) -> ArchiveFile:
    path = _path(entry.name)
    if not path:
        raise _refused("has a file without a name", "push it again")
    if entry.issym():
        return ArchiveFile(path, entry.linkname.encode(errors="surrogateescape"), link=True)
    if entry.islnk():
        return ArchiveFile(path, same_as=_path(entry.linkname))
    if not entry.isreg():
        raise _refused(f"holds {path[:200]}, neither file, directory nor link", "push files alone")
    opened = archive.extractfile(entry)
    content = opened.read() if opened is not None else b""
    return ArchiveFile(path, content, executable=bool(entry.mode & stat.S_IXUSR))


def _path(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name or "\\" in name:
        raise _refused(f"has {name[:200]!r}, which leads out of it", "push it with paths below its root")
    if any(part.lower() == ".git" for part in parts):
        raise _refused(f"has {name[:200]!r}, a name that Git keeps for itself", "leave it out")
    if len(name) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise _refused("has a path that is too long", f"stay below {MAX_DEPTH} directories")
    return "/".join(parts)


class _BoundedLayer:
    """A layer's tar as it is unpacked: no more of it is held than is asked for, and it ends at a limit."""

    def __init__(self, layer: bytes, most_bytes: int) -> None:
        self._left = memoryview(layer)
        self._unzip = zlib.decompressobj(wbits=31) if layer.startswith(GZIP) else None
        self._most = most_bytes
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        size = CHUNK if size < 0 else size
        data = self._next(size)
        self._given += len(data)
        if self._given > self._most:
            raise _refused(f"unpacks to more than {self._most} bytes", "raise oci.max_unpacked_bytes, or push less")
        return data

    def _next(self, size: int) -> bytes:
        if self._unzip is None:
            data, self._left = bytes(self._left[:size]), self._left[size:]
            return data
        parts, got = [], 0
        while got < size and not self._unzip.eof:
            fresh = bytes(self._left[:CHUNK]) if not self._unzip.unconsumed_tail else b""
            self._left = self._left[len(fresh) :]
            zipped = self._unzip.unconsumed_tail + fresh
            part = self._unzip.decompress(zipped, size - got)
            if not part and not zipped:
                raise EOFError("it ends too soon")
            parts.append(part)
            got += len(part)
        return b"".join(parts)


def _refused(what: str, remedy: str) -> InvalidManifest:
    return InvalidManifest(f"the artifact's layer {what}", remedy=remedy)

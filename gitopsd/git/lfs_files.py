"""Files that are kept in Git LFS, as a render reads them: the pointer in Git, the content beside the mirror."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import InvalidManifest, LfsObject
from gitopsd.git.missing import not_fetched

DIRECTORY = "lfs"  # in a mirror; where it is there, pointers are followed
MAX_POINTER_BYTES = 1024
BEGINNING = b"version https://git-lfs.github.com/spec/v1\n"
POINTER = re.compile(re.escape(BEGINNING) + rb"(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n?")


@dataclass(frozen=True, slots=True)
class Pointer:
    oid: str  # SHA-256 of the content
    size: int


def pointer(content: bytes) -> Pointer | None:
    """Return what a file of Git points at, None where it is no pointer."""
    may = content.startswith(BEGINNING) and len(content) <= MAX_POINTER_BYTES
    match = POINTER.fullmatch(content) if may else None
    return None if match is None else Pointer(match[1].decode(), int(match[2]))


def object_path(mirror: str, oid: str) -> Path:
    return Path(mirror, DIRECTORY, oid[:2], oid)


def is_on(mirror: str) -> bool:
    """Tell whether the repository's credentials ask for pointers to be followed."""
    return Path(mirror, DIRECTORY).is_dir()


def content_of(mirror: str, mirror_name: str, pointer: Pointer, path: str, max_bytes: int) -> bytes:
    """Return the content that `pointer` at `path` points at.

    Raises:
        InvalidManifest: it has more than `max_bytes`.
        PartNotFetched: it is not there, or not whole.
    """
    if pointer.size > max_bytes:
        raise InvalidManifest(
            f"{path} has {pointer.size} bytes in Git LFS, more than the {max_bytes} that are left for it",
            remedy="split or shrink it, or exclude it from the source",
        )
    try:
        content = object_path(mirror, pointer.oid).read_bytes()
    except OSError:
        content = b""
    if len(content) != pointer.size or hashlib.sha256(content).hexdigest() != pointer.oid:
        raise not_fetched(LfsObject(mirror_name, pointer.oid, pointer.size))
    return content

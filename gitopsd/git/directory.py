"""The entries of a tree object, read from its bytes: a directory of ten thousand is parsed in milliseconds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

import pygit2

from gitopsd.ports import Entry

TREE, LINK, SUBMODULE, EXECUTABLE = 0o040000, 0o120000, 0o160000, 0o100755
KINDS = {TREE: "tree", LINK: "link", SUBMODULE: "commit"}
FORMAT, ANY_EXECUTES, BLOB = 0o170000, 0o111, 0o100644
Raw = tuple[bytes, bytes, bytes]  # mode in octal, name, object id


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a tree object."""

    mode: int
    oid: pygit2.Oid

    def __str__(self) -> str:
        return f"{self.mode:06o} {self.oid}"


def raw_entries(repo: pygit2.Repository, tree: pygit2.Oid) -> list[Raw]:
    """Return the entries of `tree` in its own order.

    Raises:
        KeyError, ValueError, pygit2.GitError: there is no such tree, or it is damaged.
    """
    kind, data = repo.read(tree)
    if kind != pygit2.enums.ObjectType.TREE:
        raise ValueError(f"{tree} is no tree")
    entries: list[Raw] = re.findall(rb"([0-7]+) ([^\0]+)\0(.{%d})" % len(tree.raw), data, re.DOTALL)
    if sum(len(mode) + len(name) + len(oid) + 2 for mode, name, oid in entries) != len(data):
        raise ValueError(f"{tree} is no tree that can be read")
    return entries


class Directory:
    """A tree object, parsed; what is made of an entry is made when somebody asks."""

    def __init__(self, entries: list[Raw]) -> None:
        self._entries = {shown(name): (mode, oid) for mode, name, oid in entries}
        self._sorted: tuple[Entry, ...] = ()
        listing = b"".join(b"%06o %b\0" % (mode_of(mode), name) for mode, name, _ in entries)
        self.listing = hashlib.sha256(listing).hexdigest()[:32]  # of names and types, not of contents

    def __len__(self) -> int:
        return len(self._entries)

    def node(self, name: str) -> TreeEntry | None:
        entry = self._entries.get(name)
        return None if entry is None else TreeEntry(mode_of(entry[0]), pygit2.Oid(raw=entry[1]))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return the entries sorted by name."""
        if not self._sorted:
            modes = ((name, mode_of(mode)) for name, (mode, _) in sorted(self._entries.items()))
            self._sorted = tuple(Entry(name, KINDS.get(mode, "blob"), mode == EXECUTABLE) for name, mode in modes)
        return self._sorted


def directory(repo: pygit2.Repository, tree: pygit2.Oid) -> Directory:
    """Return the directory that `tree` is; raises as `raw_entries` does."""
    return Directory(raw_entries(repo, tree))


@lru_cache(maxsize=64)
def mode_of(text: bytes) -> int:
    """Return an entry's mode; of a file only whether it may be executed counts, as old repositories hold others."""
    mode = int(text, 8)
    if mode & FORMAT in (TREE, LINK, SUBMODULE):
        return mode & FORMAT
    return EXECUTABLE if mode & ANY_EXECUTES else BLOB


def shown(name: bytes) -> str:
    """Return a file's name as UTF-8, with escapes where it is not."""
    return name.decode(errors="backslashreplace")

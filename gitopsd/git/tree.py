"""The files of one revision, read from the object database; every look-up is recorded (D1).

The record is of places, not of requests: what is asked for through a link is recorded as the link and as the file it
leads to. So a place that did not change is enough to know that the answer did not, and a changed place is enough to
find who looked there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pygit2

from gitopsd.errors import InvalidManifest, PathNotFound
from gitopsd.git import objects
from gitopsd.git.directory import KINDS, LINK, TREE, Directory, Node, directory
from gitopsd.model.ids import Revision
from gitopsd.ports import Entry

MAX_LINKS = 40  # followed for one look-up, as Linux does
MAX_TARGET_BYTES = 4096  # of a link
KEPT_ENTRIES = 100_000  # of directories kept parsed in one process; one is some 300 bytes

Path = tuple[str, ...]


@dataclass(slots=True)
class GitTree:
    """`ports.Tree` on a bare mirror."""

    mirror: str
    revision: Revision
    _repo: pygit2.Repository
    _root: Node
    _directories: dict[Path, Directory | None] = field(default_factory=dict)  # by place; None: no directory there
    _seen: dict[str, str] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        node = self._file(path)
        if node is None:
            return None
        with objects.reading(self.mirror, path):
            _, size = self._repo.odb.read_header(node.oid)
        if size > max_bytes:
            raise InvalidManifest(
                f"{path} has {size} bytes, more than the {max_bytes} that are left for it",
                remedy="split or shrink it, or exclude it from the source",
            )
        return self._content(node, path)

    def blob(self, path: str) -> str | None:
        node = self._file(path)
        return None if node is None else str(node.oid)

    def list(self, path: str) -> Sequence[Entry] | None:
        place = self._place(path)
        directory = self._directory(place)
        self._seen[f"list:{'/'.join(place)}"] = directory.listing if directory else ""
        return directory.entries if directory else None

    def real(self, path: str) -> str:
        return "/".join(self._place(path))

    def closure(self) -> Mapping[str, str]:
        return dict(self._seen)

    def links(self) -> Mapping[str, str]:
        return dict(self._links)

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        return {key: self._at(key) for key in looked_up}

    def _at(self, key: str) -> str:
        kind, _, path = key.partition(":")
        place = tuple(path.split("/")) if path else ()
        # Places are recorded without links on the way. One that is there now changes the answer, whatever it was.
        for depth in range(1, len(place)):
            above = self._node(place[:depth])
            if above is None or above.mode != TREE:
                return "" if above is None or above.mode != LINK else f"through {above}"
        node = self._node(place)
        if node is None:
            return ""
        if node.mode == LINK:
            return str(node) if kind != "link" else str(node.oid)
        if kind == "list":
            directory = self._directory(place)
            return directory.listing if directory else ""
        return str(node) if kind == "file" and _is_file(node) else ""

    def _file(self, path: str) -> Node | None:
        place = self._place(path)
        node = self._node(place)
        found = node if node is not None and _is_file(node) else None
        self._seen[f"file:{'/'.join(place)}"] = str(found) if found else ""
        return found

    def _place(self, path: str) -> Path:
        """Return where `path` leads once its links are followed; the place itself need not exist."""
        if path.startswith("/"):
            raise _outside(path, "it is absolute")
        todo = path.split("/")[::-1]
        place: list[str] = []
        links: list[str] = []
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not place:
                    via = f" through the link {links[-1]}" if links else ""
                    raise _outside(path, f"it leads above the repository's root{via}")
                place.pop()
                continue
            place.append(part)
            node = self._node(tuple(place))
            if node is None or node.mode != LINK:
                continue
            links.append("/".join(place))
            todo.extend(self._target(path, links, node).split("/")[::-1])
            place.pop()
        return tuple(place)

    def _target(self, path: str, links: Sequence[str], node: Node) -> str:
        link = links[-1]
        self._seen[f"link:{link}"] = str(node.oid)
        if len(links) > MAX_LINKS:
            raise _outside(path, f"it goes through more than {MAX_LINKS} links, the last one {link}")
        content = self._content(node, link)
        if not 0 < len(content) <= MAX_TARGET_BYTES or b"\0" in content:
            raise _outside(path, f"the link {link} has no usable target")
        target = content.decode(errors="backslashreplace")
        if target.startswith("/"):
            raise _outside(path, f"the link {link} points at the absolute path {target}")
        self._links[link] = target
        return target

    def _content(self, node: Node, path: str) -> bytes:
        with objects.reading(self.mirror, path):
            return self._repo.read(node.oid)[1]

    def _node(self, place: Path) -> Node | None:
        if not place:
            return self._root
        parent = self._directory(place[:-1])
        return None if parent is None else parent.node(place[-1])

    def _directory(self, place: Path) -> Directory | None:
        """Return the directory at `place`, None where there is none; links on the way are not followed."""
        if place not in self._directories:
            node = self._node(place)
            self._directories[place] = self._load(node, place) if node is not None and node.mode == TREE else None
        return self._directories[place]

    def _load(self, node: Node, place: Path) -> Directory:
        known = _KEPT.get(self.mirror, node.oid)
        if known is None:
            with objects.reading(self.mirror, "/".join(place)):
                known = directory(self._repo, node.oid)
            _KEPT.put(self.mirror, node.oid, known)
        return known


class Kept:
    """The directories parsed last, of any revision: a commit changes few, and every render looks at the same ones.

    By mirror too, so that an object is found only where its own repository has it.
    """

    def __init__(self, most_entries: int) -> None:
        self._most_entries = most_entries
        self._entries = 0
        self._directories: OrderedDict[tuple[str, pygit2.Oid], Directory] = OrderedDict()

    def get(self, mirror: str, oid: pygit2.Oid) -> Directory | None:
        known = self._directories.get((mirror, oid))
        if known is not None:
            self._directories.move_to_end((mirror, oid))
        return known

    def put(self, mirror: str, oid: pygit2.Oid, parsed: Directory) -> None:
        self._directories[mirror, oid] = parsed
        self._entries += 1 + len(parsed)
        while self._entries > self._most_entries:
            _, oldest = self._directories.popitem(last=False)
            self._entries -= 1 + len(oldest)


_KEPT = Kept(KEPT_ENTRIES)


def open_tree(mirror: str, revision: str) -> GitTree:
    """Return the tree of `revision`, a full SHA, in the bare repository at `mirror`.

    Raises:
        RevisionNotFound: the mirror has no such commit.
        RepositoryUnreachable: the mirror is damaged.
    """
    commit = objects.commit(mirror, revision)
    return GitTree(mirror, Revision(revision), objects.open_mirror(mirror), Node(TREE, commit.tree_id))


def _is_file(node: Node) -> bool:
    return node.mode not in KINDS


def _outside(path: str, why: str) -> PathNotFound:
    return PathNotFound(f"{path} is not inside the repository: {why}", remedy="name a path below the root")

"""The files of one revision, read from the object database; every look-up is recorded (D1).

The record is of places, not of requests: what is asked for through a link is recorded as the link and as the file it
leads to. So a place that did not change is enough to know that the answer did not, and a changed place is enough to
find who looked there.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pygit2
from cachetools import LRUCache

from gitopsd.errors import InvalidManifest, PartNotFetched, PathNotFound, RevisionNotFound, Submodule
from gitopsd.git import attributes, lfs_files, modules, objects
from gitopsd.git.checkout import AS_IN_GIT, Conversion, conversion
from gitopsd.git.directory import KINDS, LINK, SUBMODULE, TREE, Directory, TreeEntry, directory
from gitopsd.git.missing import not_fetched
from gitopsd.model.ids import Revision
from gitopsd.ports import Entry

MAX_LINKS = 40  # followed for one look-up, as Linux does
MAX_TARGET_BYTES = 4096  # of a link
FETCHED = r"[0-9a-f]{32}"  # the name of a mirror that is fetched
KEPT_ENTRIES = 100_000  # of directories kept parsed in one process; one is some 300 bytes

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mount:
    """A submodule, or the repository itself: where its objects are."""

    mirror: str
    name: str  # of the mirror, among all mirrors
    revision: str
    repo: pygit2.Repository
    root: TreeEntry


@dataclass(slots=True)
class GitTree:
    """`ports.Tree` on a bare mirror: files are what a checkout makes of them by `.gitattributes`.

    Submodules are directories, and files in Git LFS what they point at.
    """

    mirror: str
    revision: Revision
    _repo: pygit2.Repository
    _root: TreeEntry
    _follows: bool = True  # submodules
    _directories: dict[Path, Directory | None] = field(default_factory=dict)  # by place; None: no directory there
    _attributes: dict[Path, attributes.Attributes] = field(default_factory=dict)  # of directories, by place
    _conversions: dict[Path, Conversion] = field(default_factory=dict)  # of files, by place
    _mounts: dict[Path, Mount] = field(default_factory=dict)  # submodules that were looked into, by place
    _home: Mount | None = None  # the repository itself
    _seen: dict[str, str] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        parts, node = self._file(path)
        if node is None:
            return None
        mount = self._mount(parts)
        with objects.reading(mount.mirror, path):
            _, size = mount.repo.odb.read_header(node.oid)
        if size > max(max_bytes, lfs_files.MAX_POINTER_BYTES):
            raise _too_large(path, size, max_bytes)
        stored = self._content(node, parts)
        content = self._followed(stored, parts, max_bytes) if size <= lfs_files.MAX_POINTER_BYTES else stored
        if content is stored:
            content = self._conversion(parts).of(stored, node.oid)
        if len(content) > max_bytes:
            raise _too_large(path, len(content), max_bytes)
        return content

    def blob(self, path: str) -> str | None:
        parts, node = self._file(path)
        return None if node is None else f"{node.oid}{self._conversion(parts)}{self._of_lfs(node, parts)}"

    def list(self, path: str) -> Sequence[Entry] | None:
        parts = self._place(path)
        directory = self._directory(parts)
        self._seen[f"list:{'/'.join(parts)}"] = directory.listing if directory else ""
        return self._entries(parts, directory) if directory else None

    def real(self, path: str) -> str:
        return "/".join(self._place(path))

    def commit_at(self, path: str) -> str | None:
        """Return the commit that a submodule is at, None where there is none; it is not looked into."""
        node = self._node(tuple(path.split("/")))
        return str(node.oid) if node is not None and node.mode == SUBMODULE else None

    def closure(self) -> Mapping[str, str]:
        return dict(self._seen)

    def links(self) -> Mapping[str, str]:
        return dict(self._links)

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        return {key: self._at(key) for key in looked_up}

    def _at(self, key: str) -> str:
        kind, _, path = key.partition(":")
        parts = tuple(path.split("/")) if path else ()
        through = self._through(parts)
        node = self._node(parts) if through is None else None
        if through is not None or node is None:
            return through or ""
        match kind:
            case "module":
                return str(node.oid) if node.mode == SUBMODULE else ""
            case "lfs":
                return _switch(lfs_files.is_on(self._mount(parts).mirror))
            case "link" if node.mode == LINK:
                return str(node.oid)
            case "list" if node.mode != LINK:
                directory = self._directory(parts)
                return directory.listing if directory else ""
        return self._described(node, parts) if node.mode == LINK or (kind == "file" and _is_file(node)) else ""

    def _through(self, parts: Path) -> str | None:
        """Return what keeps anybody from `parts`, "" where nothing can be there; None: one can get there.

        Places are recorded without links on the way. One that is there now changes the answer, whatever it was.
        """
        for depth in range(1, len(parts)):
            above = self._node(parts[:depth])
            if above is not None and above.mode == SUBMODULE:
                try:
                    if self._directory(parts[:depth]) is None:
                        return ""
                except PartNotFetched:
                    return f"not fetched {above}"  # whatever is there, a render has to look
            elif above is None or above.mode != TREE:
                return "" if above is None or above.mode != LINK else f"through {above}"
        return None

    def _file(self, path: str) -> tuple[Path, TreeEntry | None]:
        """Return where `path` leads, and the file there."""
        parts = self._place(path)
        node = self._node(parts)
        file = node if node is not None and _is_file(node) else None
        self._seen[f"file:{'/'.join(parts)}"] = self._described(file, parts) if file else ""
        return parts, file

    def _place(self, path: str) -> Path:
        """Return where `path` leads once its links are followed; the place itself need not exist."""
        if path.startswith("/"):
            raise _outside(path, "it is absolute")
        todo = path.split("/")[::-1]
        parts: list[str] = []
        links: list[str] = []
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not parts:
                    via = f" through the link {links[-1]}" if links else ""
                    raise _outside(path, f"it leads above the repository's root{via}")
                parts.pop()
                continue
            parts.append(part)
            node = self._node(tuple(parts))
            if node is None or node.mode != LINK:
                continue
            links.append("/".join(parts))
            todo.extend(self._target(path, links, node).split("/")[::-1])
            parts.pop()
        return tuple(parts)

    def _target(self, path: str, links: Sequence[str], node: TreeEntry) -> str:
        link = links[-1]
        self._seen[f"link:{link}"] = str(node.oid)
        if len(links) > MAX_LINKS:
            raise _outside(path, f"it goes through more than {MAX_LINKS} links, the last one {link}")
        content = self._content(node, tuple(link.split("/")))
        if not 0 < len(content) <= MAX_TARGET_BYTES or b"\0" in content:
            raise _outside(path, f"the link {link} has no usable target")
        target = content.decode(errors="backslashreplace")
        if target.startswith("/"):
            raise _outside(path, f"the link {link} points at the absolute path {target}")
        self._links[link] = target
        return target

    def _content(self, node: TreeEntry, parts: Path) -> bytes:
        mount = self._mount(parts)
        with objects.reading(mount.mirror, "/".join(parts)):
            return mount.repo.read(node.oid)[1]

    def _followed(self, content: bytes, parts: Path, max_bytes: int) -> bytes:
        """Return `content`, or what it points at in Git LFS."""
        pointer = lfs_files.pointer(content)
        if pointer is None:
            return content
        mount = self._mount(parts)
        on = lfs_files.is_on(mount.mirror)
        self._seen[f"lfs:{'/'.join(parts)}"] = _switch(on)
        return lfs_files.content_of(mount.mirror, mount.name, pointer, "/".join(parts), max_bytes) if on else content

    def _described(self, node: TreeEntry, parts: Path) -> str:
        """Return what a closure tells of a file or link: for a file also what becomes of its blob."""
        conversion = self._conversion(parts) if _is_file(node) else AS_IN_GIT
        return str(node) if conversion is AS_IN_GIT else f"{node}{conversion}"

    def _conversion(self, parts: Path) -> Conversion:
        """Return what a checkout makes of the file at `parts`."""
        holding = self._holding(parts[:-1])
        if not holding.acts:
            return AS_IN_GIT
        if parts not in self._conversions:
            base, _ = self._base(parts)
            self._conversions[parts] = conversion(holding.of("/".join(parts[base:])))
        return self._conversions[parts]

    def _holding(self, parts: Path) -> attributes.Attributes:
        """Return the attributes that hold in the directory at `parts`; those of a parent end at a submodule."""
        holding = self._attributes.get(parts)
        if holding is None:
            base, root = self._base(parts)
            holding = attributes.NONE if parts == root else self._holding(parts[:-1])
            mount, node = self._mount(parts), self._node((*parts, attributes.FILE))
            if node is not None and _is_file(node) and not objects.is_artifact(mount.revision):
                holding = holding.below("/".join(parts[base:]), self._content(node, (*parts, attributes.FILE)))
            self._attributes[parts] = holding
        return holding

    def _of_lfs(self, node: TreeEntry, parts: Path) -> str:
        """Return what tells a file's content apart whose blob is a pointer: whoever knows that has not seen this."""
        mount = self._mount(parts)
        if not lfs_files.is_on(mount.mirror):
            return ""
        with objects.reading(mount.mirror, "/".join(parts)):
            _, size = mount.repo.odb.read_header(node.oid)
        small = size <= lfs_files.MAX_POINTER_BYTES
        return f" of {mount.name}" if small and lfs_files.pointer(self._content(node, parts)) else ""

    def _mount(self, parts: Path) -> Mount:
        """Return what the file or directory at `parts` is in."""
        if self._mounts:
            for depth in range(len(parts), 0, -1):
                if parts[:depth] in self._mounts:
                    return self._mounts[parts[:depth]]
        if self._home is None:
            name = pathlib.Path(self.mirror).name
            self._home = Mount(self.mirror, name, self.revision, self._repo, self._root)
        return self._home

    def _entries(self, parts: Path, directory: Directory) -> Sequence[Entry]:
        """Return the entries of a directory; a submodule that can be looked into is a directory as well."""
        entries = directory.entries
        if not self._follows or all(entry.kind != KINDS[SUBMODULE] for entry in entries):
            return entries
        declared = self._submodules(parts)
        base, _ = self._base(parts)
        return tuple(
            replace(entry, kind=KINDS[TREE])
            if entry.kind == KINDS[SUBMODULE] and "/".join((*parts, entry.name)[base:]) in declared
            else entry
            for entry in entries
        )

    def _submodules(self, parts: Path) -> Mapping[str, str]:
        """Return the submodules that the repository at `parts` declares: path below its root → URL."""
        _, root = self._base(parts)
        text = self.read("/".join((*root, modules.FILE)), max_bytes=modules.MAX_BYTES)
        return modules.submodules((text or b"").decode(errors="replace"))

    def _base(self, parts: Path) -> tuple[int, Path]:
        """Return where the repository that `parts` is in has its root: how deep, and the place."""
        depths = (depth for depth in range(len(parts), 0, -1) if parts[:depth] in self._mounts)
        depth = next(depths, 0)
        return depth, parts[:depth]

    def _mounted(self, node: TreeEntry, parts: Path) -> Directory | None:
        """Return the root of the submodule at `parts`; None where `.gitmodules` does not name it."""
        parent = self._mount(parts)
        base, _ = self._base(parts)
        path = "/".join(parts[base:])
        url = self._submodules(parts[:-1]).get(path)
        if url is None:
            return None
        self._seen[f"module:{'/'.join(parts)}"] = str(node.oid)
        mirror = str(modules.module_path(parent.mirror, url))
        name = f"{parent.name}/{'/'.join(pathlib.Path(mirror).parts[-2:])}"
        try:
            whole = pathlib.Path(mirror).is_dir() and not pathlib.Path(mirror, objects.DAMAGED).exists()
            commit = objects.commit(mirror, str(node.oid)) if whole else None
        except RevisionNotFound:
            commit = None
        if commit is None:
            raise not_fetched(Submodule(parent.name, path, parent.revision))
        root = TreeEntry(TREE, commit.tree_id)
        self._mounts[parts] = Mount(mirror, name, str(node.oid), objects.open_mirror(mirror), root)
        return self._load(root, parts)

    def _node(self, parts: Path) -> TreeEntry | None:
        if not parts:
            return self._root
        parent = self._directory(parts[:-1])
        return None if parent is None else parent.node(parts[-1])

    def _directory(self, parts: Path) -> Directory | None:
        """Return the directory at `parts`, None where there is none; links on the way are not followed."""
        if parts not in self._directories:
            node = self._node(parts)
            directory: Directory | None = None
            if node is not None and node.mode == TREE:
                directory = self._load(node, parts)
            elif node is not None and node.mode == SUBMODULE and self._follows:
                directory = self._mounted(node, parts)
            self._directories[parts] = directory
        return self._directories[parts]

    def _load(self, node: TreeEntry, parts: Path) -> Directory:
        mount = self._mount(parts)
        loaded = _KEPT.get(mount.mirror, node.oid)
        if loaded is None:
            with objects.reading(mount.mirror, "/".join(parts)):
                loaded = directory(mount.repo, node.oid)
            _KEPT.put(mount.mirror, node.oid, loaded)
        return loaded


class DirectoryCache:
    """The directories parsed last, of any revision: a commit changes few, and every render looks at the same ones.

    By mirror too, so that an object is found only where its own repository has it.
    """

    def __init__(self, most_entries: int) -> None:
        self._directories: LRUCache[tuple[str, pygit2.Oid], Directory] = LRUCache(most_entries, getsizeof=_entries)

    def get(self, mirror: str, oid: pygit2.Oid) -> Directory | None:
        return self._directories.get((mirror, oid))

    def put(self, mirror: str, oid: pygit2.Oid, parsed: Directory) -> None:
        if _entries(parsed) <= self._directories.maxsize:
            self._directories[mirror, oid] = parsed


def _entries(directory: Directory) -> int:
    return 1 + len(directory)


_KEPT = DirectoryCache(KEPT_ENTRIES)


def open_tree(mirror: str, revision: str) -> GitTree:
    """Return the tree of `revision`, a full SHA, in the bare repository at `mirror`.

    Raises:
        RevisionNotFound: the mirror has no such commit.
        RepositoryUnreachable: the mirror is damaged.
    """
    commit = objects.commit(mirror, revision)
    # Of any other repository nobody could fetch a submodule.
    follows = re.fullmatch(FETCHED, pathlib.Path(mirror).name) is not None
    return GitTree(mirror, Revision(revision), objects.open_mirror(mirror), TreeEntry(TREE, commit.tree_id), follows)


def open_tree_alone(mirror: str, revision: str) -> GitTree:
    """Return the tree as `open_tree` does, with submodules as empty as they are in it."""
    return replace(open_tree(mirror, revision), _follows=False)


def _too_large(path: str, size: int, max_bytes: int) -> InvalidManifest:
    return InvalidManifest(
        f"{path} has {size} bytes, more than the {max_bytes} that are left for it",
        remedy="split or shrink it, or exclude it from the source",
    )


def _switch(on: bool) -> str:  # noqa: FBT001 - what is written of it is all that it is for
    return "on" if on else "off"


def _is_file(node: TreeEntry) -> bool:
    return node.mode not in KINDS


def _outside(path: str, reason: str) -> PathNotFound:
    return PathNotFound(f"{path} is not inside the repository: {reason}", remedy="name a path below the root")

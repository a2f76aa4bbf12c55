"""A tree of files as a mapping: `ports.Tree` once more, written without Git, to hold the real one against."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitopsd.errors import InvalidManifest, PathNotFound
from gitopsd.model.ids import Revision
from gitopsd.ports import Entry

Nodes = dict[str, str]  # path → text of a file; of a link its target, after LINK
LINK = "\0"
MOST_LINKS = 40
TREES: dict[str, Nodes] = {}  # what `opened` opens, by name


def write(nodes: Nodes, path: str, text: str) -> None:
    """Put a file or link at `path`, whatever is there, above it or below it."""
    remove(nodes, path)
    parts = path.split("/")
    for depth in range(1, len(parts)):
        nodes.pop("/".join(parts[:depth]), None)
    nodes[path] = text


def remove(nodes: Nodes, path: str) -> Nodes:
    """Remove a file, a link or a whole directory; return what that was, by paths below `path`."""
    gone = {each: text for each, text in nodes.items() if each == path or each.startswith(f"{path}/")}
    for each in gone:
        del nodes[each]
    return {each.removeprefix(path): text for each, text in gone.items()}


def move(nodes: Nodes, old: str, new: str) -> None:
    """Rename a file, a link or a whole directory, over whatever is at `new`."""
    moved = remove(nodes, old)
    for below, text in moved.items():
        write(nodes, new + below, text)


def opened(name: str, revision: str) -> ModelTree:
    return ModelTree(TREES[name], Revision(revision))


@dataclass(slots=True)
class ModelTree:
    nodes: Nodes
    revision: Revision
    _seen: dict[str, str] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        text = self._file(path)
        if text is not None and len(text.encode()) > max_bytes:
            raise InvalidManifest(f"{path} is too large", remedy="")
        return None if text is None else text.encode()

    def blob(self, path: str) -> str | None:
        return self._file(path)

    def list(self, path: str) -> Sequence[Entry] | None:
        place = self.real(path)
        names: dict[str, str] = {}
        prefix = f"{place}/" if place else ""
        for each, text in self.nodes.items():
            if each.startswith(prefix):
                name, below, _ = each.removeprefix(prefix).partition("/")
                names[name] = "tree" if below else "link" if text.startswith(LINK) else "blob"
        found = [Entry(name, kind) for name, kind in sorted(names.items())]
        self._seen[f"list:{place}"] = repr(found)
        return found or None

    def real(self, path: str) -> str:
        if path.startswith("/"):
            raise _outside(path, "it is absolute")
        at, turns, link = "", 0, ""
        todo = path.split("/")
        while todo:
            part, *todo = todo
            if part == "..":
                if not at:
                    via = f" through the link {link}" if link else ""
                    raise _outside(path, f"it leads above the repository's root{via}")
                self._seen[f"link:{at}"] = ""
            at = posixpath.normpath(posixpath.join(at, part)).removeprefix(".").removeprefix("/")
            target = self.nodes.get(at, "")
            if target.startswith(LINK):
                link, target, turns = at, target.removeprefix(LINK), turns + 1
                self._seen[f"link:{at}"] = target
                if turns > MOST_LINKS:
                    raise _outside(path, f"it goes through more than {MOST_LINKS} links, the last one {at}")
                if target.startswith("/"):
                    raise _outside(path, f"the link {at} points at the absolute path {target}")
                self._links[at] = target
                at, todo = posixpath.dirname(at), [*target.split("/"), *todo]
        return at

    def closure(self) -> Mapping[str, str]:
        return dict(self._seen)

    def links(self) -> Mapping[str, str]:
        return dict(self._links)

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        raise AssertionError(f"nobody looks up {list(looked_up)} again in a fresh render")

    def _file(self, path: str) -> str | None:
        place = self.real(path)
        text = self.nodes.get(place)
        self._seen[f"file:{place}"] = "" if text is None else f"is {text}"
        return text


def _outside(path: str, why: str) -> PathNotFound:
    return PathNotFound(f"{path} is not inside the repository: {why}", remedy="name a path below the root")

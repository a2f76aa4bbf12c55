"""A whole directory looked up: for programs that may read any file of it."""

from __future__ import annotations

import posixpath

from gitopsd.errors import InvalidManifest
from gitopsd.ports import Tree

MOST_FILES = 20_000


def look_up(tree: Tree, path: str) -> None:
    """Look up every file below directory `path`, through links too; submodules are left out.

    Afterwards all of it is in the tree's closure, so `workspace.lay_out` writes it, and any change is another key.

    Raises:
        InvalidManifest: there are too many files.
        PathNotFound: a link leads out of the repository, or in a circle.
    """
    todo, places, files = [tree.real(path)], set[str](), 0
    while todo:
        directory = todo.pop()
        if directory in places:
            continue
        places.add(directory)
        for entry in tree.list(directory) or ():
            child = posixpath.join(directory, entry.name)
            files += 1
            if entry.kind == "tree":
                todo.append(child)
            elif entry.kind == "blob":
                tree.blob(child)
            elif entry.kind == "link" and tree.blob(child) is None and tree.list(child) is not None:
                todo.append(tree.real(child))
        if files > MOST_FILES:
            raise InvalidManifest(
                f"{path} has more than {MOST_FILES} files", remedy="make the source's directory a smaller one"
            )

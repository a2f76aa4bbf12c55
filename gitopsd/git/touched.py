"""What changed between two revisions: one walk of both trees, only where ids differ (D8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pygit2

from gitopsd.errors import RevisionNotFound
from gitopsd.git import objects
from gitopsd.git.tree import TREE, Node, directory

MAX_PATHS = 50_000  # beyond it everything counts as changed: looking at all is no dearer than saying which

Pair = tuple[str, pygit2.Oid | None, pygit2.Oid | None]  # path with "/" after it, old tree, new tree


def changes(mirror: str, old: str, new: str) -> dict[str, Any] | None:
    """Return what `core.touch_index` needs of the way from revision `old` to revision `new`.

    Returns:
        `files`: paths of files, links and submodules that came, went or changed; `dirs`: paths of directories whose
        names or types of entries did, "" for the root. None where it is too much to say, or `old` is gone: then
        everything may have changed.

    Raises:
        RevisionNotFound: the mirror has no such commit as `new`.
        RepositoryUnreachable: the mirror is damaged.
    """
    target = objects.commit(mirror, new).tree_id
    try:
        start = objects.commit(mirror, old).tree_id
    except RevisionNotFound:
        return None
    files: list[str] = []
    dirs: list[str] = []
    with objects.reading(mirror, f"the way from {old} to {new}"):
        repo = objects.open_mirror(mirror)
        todo: list[Pair] = [("", start, target)] if start != target else []
        while todo:
            pair = todo.pop()
            if _relisted(repo, pair, files, todo):
                dirs.append(pair[0].rstrip("/"))
            if len(files) + len(dirs) + len(todo) > MAX_PATHS:
                return None
    return {"files": sorted(files), "dirs": sorted(dirs)}


def _relisted(repo: pygit2.Repository, pair: Pair, files: list[str], todo: list[Pair]) -> bool:
    """Add what differs at one path to `files` and `todo`; tell whether names or types do."""
    prefix, old, new = pair
    before, after = _nodes(repo, old), _nodes(repo, new)
    relisted = False
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        relisted |= was is None or now is None or was.mode != now.mode
        trees = [node.oid if node is not None and node.mode == TREE else None for node in (was, now)]
        if trees != [None, None]:
            todo.append((f"{prefix}{name}/", trees[0], trees[1]))
        if any(node is not None and node.mode != TREE for node in (was, now)):
            files.append(f"{prefix}{name}")
    return relisted


def _nodes(repo: pygit2.Repository, oid: pygit2.Oid | None) -> Mapping[str, Node]:
    return {} if oid is None else directory(repo[oid].peel(pygit2.Tree)).nodes

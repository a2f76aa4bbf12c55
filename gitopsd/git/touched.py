"""What changed between two revisions: one walk of both trees, only where ids differ (D8)."""

from __future__ import annotations

from typing import Any

import pygit2

from gitopsd.errors import RevisionNotFound
from gitopsd.git import objects
from gitopsd.git.directory import TREE, Raw, mode_of, raw_entries, shown

MAX_PATHS = 50_000  # beyond it everything counts as changed: looking at all is no dearer than saying which

Pair = tuple[str, pygit2.Oid | None, pygit2.Oid | None]  # path with "/" after it, old tree, new tree


def changes(mirror: str, old: str, new: str) -> dict[str, Any] | None:
    """Return what `core.source.touch_index` needs of the way from revision `old` to revision `new`.

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
    before, after = _entries(repo, old), _entries(repo, new)
    was = {name: (mode_of(mode), oid) for mode, name, oid in before - after}
    now = {name: (mode_of(mode), oid) for mode, name, oid in after - before}
    for name in was.keys() | now.keys():
        sides, path = (was.get(name), now.get(name)), f"{prefix}{shown(name)}"
        trees = [pygit2.Oid(raw=side[1]) if side is not None and side[0] == TREE else None for side in sides]
        if trees != [None, None]:
            todo.append((f"{path}/", trees[0], trees[1]))
        if any(side is not None and side[0] != TREE for side in sides):
            files.append(path)
    return {name: mode for name, (mode, _) in was.items()} != {name: mode for name, (mode, _) in now.items()}


def _entries(repo: pygit2.Repository, oid: pygit2.Oid | None) -> set[Raw]:
    return set() if oid is None else set(raw_entries(repo, oid))

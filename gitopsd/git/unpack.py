"""The job that makes an artifact's layer a revision; it runs in a worker, since a layer is anybody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pygit2

from gitopsd.errors import InvalidManifest, RepositoryUnreachable
from gitopsd.git.objects import artifact_ref
from gitopsd.oci.archive import files
from gitopsd.settings import OciSettings

UNPACK = f"{__name__}:unpack"
NOBODY = pygit2.Signature("gitopsd", "gitopsd@localhost", 0, 0)


def unpack(arguments: Sequence[str], what: Mapping[str, Any], limits: Mapping[str, Any]) -> None:
    """Make the files of a layer a revision; `arguments` is the mirror, the layer's file and the digest.

    `what` says whether the layer is a chart's, whose files lie in a directory of its name, and the commit's message.

    Raises:
        InvalidManifest: it is no archive, or none that can be taken.
        RepositoryUnreachable: the mirror cannot be written.
    """
    mirror, file, digest = arguments
    try:
        repo = pygit2.Repository(mirror)
        entries = _blobs(repo, Path(file).read_bytes(), limits)
        top = _top(list(entries)) if what["is_chart"] else ""
        tree = _index(entries, top).write_tree(repo)
        commit = repo.create_commit(None, NOBODY, NOBODY, f"{digest}\n\n{what['message']}\n", tree, [])
        repo.references.create(artifact_ref(digest), commit, force=True)
    except (OSError, pygit2.GitError) as err:
        raise RepositoryUnreachable(
            f"the mirror {Path(mirror).name} cannot be written: {err}", remedy="make room in the data directory"
        ) from err


def _blobs(repo: pygit2.Repository, layer: bytes, limits: Mapping[str, Any]) -> dict[str, pygit2.IndexEntry]:
    """Write every file of a layer; return the entries of a tree, by path."""
    settings = {**limits, "layer_media_types": tuple(limits["layer_media_types"])}
    entries: dict[str, pygit2.IndexEntry] = {}
    for file in files(layer, OciSettings(**settings)):
        if file.same_as:
            if file.same_as not in entries:
                raise _refused(f"links {file.path[:200]} to what is not in it", "push files instead of hard links")
            oid, mode = entries[file.same_as].id, entries[file.same_as].mode
        else:
            oid, mode = repo.create_blob(file.content), _mode(link=file.link, executable=file.executable)
        entries[file.path] = pygit2.IndexEntry(file.path, oid, mode)
    return entries


def _index(entries: Mapping[str, pygit2.IndexEntry], top: str) -> pygit2.Index:
    index = pygit2.Index()
    for path, entry in entries.items():
        try:
            index.add(pygit2.IndexEntry(path.removeprefix(top), entry.id, entry.mode))
        except (OSError, ValueError, pygit2.GitError) as err:
            raise _refused(f"has a path that cannot be taken: {err}", "push it again without it") from None
    return index


def _mode(*, link: bool, executable: bool) -> pygit2.enums.FileMode:
    if link:
        return pygit2.enums.FileMode.LINK
    return pygit2.enums.FileMode.BLOB_EXECUTABLE if executable else pygit2.enums.FileMode.BLOB


def _top(paths: Sequence[str]) -> str:
    """Return the one directory that all `paths` lie in, with "/"; "" where there is none."""
    tops = {path.partition("/")[0] for path in paths}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in path for path in paths) else ""


def _refused(what: str, remedy: str) -> InvalidManifest:
    return InvalidManifest(f"the artifact's layer {what}", remedy=remedy)

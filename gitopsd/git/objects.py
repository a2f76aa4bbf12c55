"""Objects of a mirror, read by id: the one place where libgit2's errors become ours."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pygit2

from gitopsd.errors import RepositoryUnreachable, RevisionNotFound

ARTIFACT = "refs/oci/as/"  # + a reference: in an epoch, the digest that it is
DAMAGED = "gitopsd-damaged"  # in a mirror: what was there could not be read, so the next fetch makes it anew


def open_mirror(mirror: str) -> pygit2.Repository:
    """Return the repository at `mirror`; the same one as long as nobody put another in its place."""
    try:
        return _open(mirror, Path(mirror).stat().st_ino)
    except (OSError, pygit2.GitError) as err:
        raise _unreadable(mirror, "the mirror", err) from err


def fresh_mirror(mirror: str) -> pygit2.Repository:
    """Return the repository at `mirror` with nothing in memory yet: what is read of it is what the disk has now."""
    try:
        return _opened(mirror)
    except (OSError, pygit2.GitError) as err:
        raise _unreadable(mirror, "the mirror", err) from err


@functools.lru_cache(maxsize=64)
def _open(mirror: str, _inode: int) -> pygit2.Repository:
    return _opened(mirror)


def _opened(mirror: str) -> pygit2.Repository:
    flags = pygit2.enums.RepositoryOpenFlag.NO_SEARCH | pygit2.enums.RepositoryOpenFlag.BARE
    return pygit2.Repository(mirror, flags)


@contextmanager
def reading(mirror: str, what: str) -> Iterator[None]:
    """Map a failed read of what must be there to `RepositoryUnreachable`, and have the mirror made anew."""
    try:
        yield
    except (KeyError, ValueError, OSError, pygit2.GitError) as err:
        _mark(mirror)
        raise _unreadable(mirror, what, err) from err


def is_artifact(revision: str) -> bool:
    """Tell whether `revision` is of a chart or an artifact, which nobody checks out."""
    return ":" in revision


def commit(mirror: str, revision: str) -> pygit2.Commit:
    """Return the commit that `revision`, a full SHA or an artifact's digest, names.

    Raises:
        RevisionNotFound: the mirror has no such commit.
    """
    repo = open_mirror(mirror)
    try:
        if is_artifact(revision):
            return repo.references[artifact_ref(revision)].peel(pygit2.Commit)
        return repo[pygit2.Oid(hex=revision)].peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.InvalidSpecError) as err:
        raise RevisionNotFound(
            f"commit {revision[:64]} is not in the repository's mirror",
            remedy="name a commit that a branch or tag still reaches",
        ) from err
    except pygit2.GitError as err:
        _mark(mirror)
        raise _unreadable(mirror, f"commit {revision}", err) from err


def artifact_ref(revision: str) -> str:
    """Return the ref below which an artifact's files lie: of its digest, whatever version is named before that."""
    return f"refs/oci/{revision.rpartition('@')[2].replace(':', '/')}"


def peeled(mirror: str, name: str) -> str | None:
    """Return the SHA of the commit that an object's name stands for: a commit, or a tag of one, its name full or short.

    None where there is none, where a short name fits several, and where it is of something else.
    """
    try:
        return str(open_mirror(mirror)[name].peel(pygit2.Commit).id)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _mark(mirror: str) -> None:
    with suppress(OSError):  # a worker that may not write says the same by its error, again and again
        Path(mirror, DAMAGED).touch()


def _unreadable(mirror: str, what: str, err: Exception) -> RepositoryUnreachable:
    return RepositoryUnreachable(
        f"{what} cannot be read from {Path(mirror).name}: {err}",
        remedy="the next fetch makes the mirror anew; check the disk if it happens again",
    )

"""A directory's files as a revision: as they are there, and without a trace in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gitopsd.errors import RevisionNotFound
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.git.working_copy import WorkingCopy, WorkingTreeState
from gitopsd.model.ids import Revision

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def git(place: Path, *arguments: str) -> str:
    named = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
    command = ("git", "-C", str(place), *named, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - git


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A work tree with one commit on `main` and one on `next`, both with a file `a` and a directory `d`."""
    place = tmp_path / "copy"
    (place / "d").mkdir(parents=True)
    git(place, "init", "--quiet", "--initial-branch=main")
    (place / "d" / "b").write_text("b")
    for branch, text in (("next", "later"), ("main", "now")):
        git(place, "checkout", "--quiet", "-B", branch)
        (place / "a").write_text(text)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "-m", branch)
    git(place, "tag", "v1.2.0", "next")
    return place


async def looked_at(place: Path) -> WorkingCopy:
    found = WorkingCopy(place, place.parent / "mirror")
    await found.find()
    return found


def tree(snapshot: WorkingTreeState) -> GitTree:
    return open_tree(snapshot.mirror, Revision(snapshot.revision))


def text(snapshot: WorkingTreeState, path: str) -> bytes | None:
    return tree(snapshot).read(path, max_bytes=100)


async def test_files_that_are_as_committed_are_that_commit(copy: Path) -> None:
    snapshot = await (await looked_at(copy)).now()

    assert WorkingTreeState(str(copy.parent / "mirror"), git(copy, "rev-parse", "HEAD")) == snapshot
    assert b"now" == text(snapshot, "a")


async def test_changes_are_seen_committed_or_not_and_ignored_files_are_not(copy: Path) -> None:
    (copy / "a").write_text("changed")
    (copy / "d" / "b").unlink()
    (copy / "d" / "new").write_text("new")
    (copy / ".gitignore").write_text("*.tmp\n")
    (copy / "x.tmp").write_text("ignored")
    (copy / ".git" / "info" / "exclude").write_text("mine\n")
    (copy / "mine").write_text("excluded")
    (copy / "link").symlink_to("d/new")
    before = git(copy, "status", "--porcelain")

    snapshot = await (await looked_at(copy)).now()

    assert snapshot.changed
    assert [b"changed", None, b"new", b"new", None, None] == [
        text(snapshot, path) for path in ("a", "d/b", "d/new", "link", "x.tmp", "mine")
    ]
    assert before == git(copy, "status", "--porcelain")
    assert not git(copy, "diff", "--cached", "--name-only")
    with pytest.raises(subprocess.CalledProcessError):
        git(copy, "cat-file", "-e", snapshot.revision)


async def test_what_is_below_the_top_is_the_same_repository(copy: Path) -> None:
    found = await looked_at(copy / "d")
    found = WorkingCopy(copy / "d", copy.parent / "below")
    assert await found.find()

    assert b"now" == text(await found.now(), "a")


@pytest.mark.parametrize(
    ("ref", "expected"),
    [("next", b"later"), ("HEAD", b"now"), ("", b"now"), ("v1.2.0", b"later"), ("1.x", b"later"), ("HEAD~1", b"later")],
)
async def test_a_ref_is_what_a_target_revision_or_git_means_by_it(copy: Path, ref: str, expected: bytes) -> None:
    (copy / "a").write_text("changed")

    assert expected == text(await (await looked_at(copy)).at(ref), "a")


@pytest.mark.parametrize("ref", ["none", "--all", "-h"])
async def test_a_ref_that_is_not_there_is_refused(copy: Path, ref: str) -> None:
    with pytest.raises(RevisionNotFound):
        await (await looked_at(copy)).at(ref)


async def test_a_bare_repository_is_read_at_its_head(copy: Path) -> None:
    bare = copy.parent / "bare"
    git(copy.parent, "clone", "--quiet", "--bare", str(copy), str(bare))
    found = await looked_at(bare)

    assert found.top is None
    assert b"now" == text(await found.now(), "a")
    assert [str(copy)] == await found.urls()


async def test_a_directory_that_is_no_repository_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a").write_text("plain")
    found = WorkingCopy(tmp_path / "plain", tmp_path / "mirror")

    assert not await found.find()
    assert b"plain" == text(await found.now(), "a")
    assert [] == await found.urls()


async def test_nothing_that_the_repository_configures_is_run(copy: Path) -> None:
    mark = copy.parent / "ran"
    for name in ("core.fsmonitor", "filter.x.clean", "filter.x.process"):
        git(copy, "config", name, f"touch {mark}")
    (copy / ".gitattributes").write_text("* filter=x\n")
    hook = copy / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    (copy / "a").write_text("changed")

    assert b"changed" == text(await (await looked_at(copy)).now(), "a")
    assert not mark.exists()

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitopsd.errors import InvalidManifest, WorkspaceUnusable
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.manifests.workspace import lay_out, workspace
from tests.gitserver import Repo


def tree(place: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> GitTree:
    repo = Repo(place / "r.git")
    return open_tree(str(repo.path), repo.commit(files, links=links))


def test_a_directory_is_the_owners_alone_and_gone_after_the_block(tmp_path: Path) -> None:
    with workspace(str(tmp_path / "run" / "work")) as made:
        (made / "x").write_text("1")
        assert 0o700 == made.stat().st_mode & 0o777

    assert [] == list((tmp_path / "run" / "work").iterdir())


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    for name in ("render-left", "render-used", "somebody"):
        (tmp_path / name / "x").mkdir(parents=True)
    held = os.open(tmp_path / "render-used", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    with workspace(str(tmp_path)) as made:
        assert {"render-used", "somebody", made.name} == {path.name for path in tmp_path.iterdir()}
    os.close(held)


def test_what_was_asked_for_is_there_and_nothing_else(tmp_path: Path) -> None:
    found = tree(tmp_path, {"a/x": "1", "a/y": "2", "b/z": "3"}, {"link": "a", "a/up": "../b/z"})
    assert [b"1", b"3", None] == [found.read(path, max_bytes=9) for path in ("link/x", "a/up", "gone")]

    lay_out(tmp_path / "into", found, instead={"b/z": b"other"}, max_bytes=100)

    files = {str(path.relative_to(tmp_path / "into")) for path in (tmp_path / "into").rglob("*")}
    assert {"a", "a/x", "a/up", "b", "b/z", "link"} == files
    assert Path("a") == (tmp_path / "into" / "link").readlink()
    assert ("1", "other") == tuple((tmp_path / "into" / path).read_text() for path in ("link/x", "a/up"))


def test_all_together_have_a_bound(tmp_path: Path) -> None:
    found = tree(tmp_path, {"x": "12345", "y": "12345"})
    found.blob("x"), found.blob("y")

    with pytest.raises(InvalidManifest, match="more than 9 bytes"):
        lay_out(tmp_path / "into", found, instead={}, max_bytes=9)


def test_a_place_that_cannot_be_written_is_a_reason_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(WorkspaceUnusable, match="cannot be laid out"), workspace(str(tmp_path / "file")):
        pass
    found = tree(tmp_path, {"x": "1"})
    found.blob("x")
    with pytest.raises(WorkspaceUnusable, match="cannot be laid out"):
        lay_out(tmp_path / "file", found, instead={}, max_bytes=9)


def test_a_name_too_long_for_a_file_is_the_repositorys_fault(tmp_path: Path) -> None:
    found = tree(tmp_path, {"x" * 300: "1"})
    found.blob("x" * 300)

    with pytest.raises(InvalidManifest, match="no name for a file"):
        lay_out(tmp_path / "into", found, instead={}, max_bytes=9)

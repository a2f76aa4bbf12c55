from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from gitopsd.git.directory import EXECUTABLE, LINK, SUBMODULE, TREE, directory, mode_of
from gitopsd.ports import Entry
from tests.gitserver import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "shop.git")


def tree_of(repo: Repo, entries: bytes) -> pygit2.Oid:
    """Write a tree object of these bytes, whatever they are."""
    return repo.git.odb.write(pygit2.enums.ObjectType.TREE, entries)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o100644, b"100644"),
        (0o100644, b"100664"),  # written by git before 2005
        (EXECUTABLE, b"100755"),
        (EXECUTABLE, b"100775"),
        (TREE, b"40000"),
        (TREE, b"040000"),
        (LINK, b"120000"),
        (SUBMODULE, b"160000"),
    ],
)
def test_of_a_mode_counts_what_git_itself_distinguishes(mode: int, text: bytes) -> None:
    assert mode == mode_of(text)


def test_a_name_or_an_id_may_hold_any_byte(repo: Repo) -> None:
    entries = (
        b"100644 a b\0"
        + b"\0" * 20
        + b"100644 c\nd\0"
        + b"40000 z\0" * 2
        + b"\n\n\0\0"
        + b"40000 e\xff\0"
        + b"\xff" * 20
    )

    found = directory(repo.git, tree_of(repo, entries))

    assert (Entry("a b", "blob"), Entry("c\nd", "blob"), Entry("e\\xff", "tree")) == found.entries


def test_an_empty_directory_has_no_entries(repo: Repo) -> None:
    assert () == directory(repo.git, tree_of(repo, b"")).entries


def test_what_is_no_tree_is_refused(repo: Repo) -> None:
    with pytest.raises(ValueError, match="is no tree"):
        directory(repo.git, repo.git.create_blob(b"100644 a\0" + b"x" * 20))


@pytest.mark.parametrize("entries", [b"100644 a\0" + b"x" * 19, b"100644 a\0" + b"x" * 25, b"nonsense"])
def test_a_damaged_tree_is_refused_rather_than_read_in_part(repo: Repo, entries: bytes) -> None:
    with pytest.raises((ValueError, pygit2.GitError)):
        directory(repo.git, tree_of(repo, entries))

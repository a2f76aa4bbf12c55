"""What kustomize takes for a base in another repository."""

from __future__ import annotations

import pytest

from gitopsd.core.source.remote_base import RemoteBase, named, remote_base

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/org/repo//a/b?ref=v1", ("https://github.com/org/repo", "v1", "a/b")),
        ("https://github.com/org/repo/a/b?ref=v1", ("https://github.com/org/repo", "v1", "a/b")),
        ("github.com/org/repo/a?version=v1", ("https://github.com/org/repo", "v1", "a")),
        ("github.com:org/repo?ref=v1", ("https://github.com/org/repo", "v1", ".")),
        ("git@github.com:org/repo//a?ref=v1", ("git@github.com:org/repo", "v1", "a")),
        ("git@git.example:org/repo.git/a/?ref=v1", ("git@git.example:org/repo.git", "v1", "a")),
        ("ssh://git@git.example:2222/org/repo.git//a", ("ssh://git@git.example:2222/org/repo.git", "", "a")),
        ("https://git.example/a/b/c.git?ref=v1&submodules=0", ("https://git.example/a/b/c.git", "v1", ".")),
        ("https://git.example/a/b/c//deep/er?ref=x", ("https://git.example/a/b/c", "x", "deep/er")),
        ("git::https://git.example/a/b?ref=x", ("https://git.example/a/b", "x", ".")),
        ("https://dev.example/org/p/_git/repo/sub?ref=v1", ("https://dev.example/org/p/_git/repo", "v1", "sub")),
        ("file:///srv/repo.git//a?ref=v1", ("file:///srv/repo.git", "v1", "a")),
    ],
)
def test_a_base_is_taken_apart_as_kustomize_does(text: str, expected: tuple[str, str, str]) -> None:
    assert RemoteBase(*expected) == remote_base(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://raw.example/org/repo/main/a.yaml",
        "https://github.com/org/repo/releases/download/v1/install.yaml",
        "https://github.com/org",
        "../base",
        "base",
        "https://git.example/a//../../b?ref=x",
        "ext::sh -c x",
    ],
)
def test_what_is_no_repository_is_none(text: str) -> None:
    assert remote_base(text) is None


def test_a_name_tells_where_from_and_a_branch_is_no_pin() -> None:
    tag, pinned = (RemoteBase("https://git.example/a:b", ref, ".") for ref in ("v1/x", SHA))

    assert ("https://git.example/a:b", "refs/tags/v1/x") == named(tag.name)
    assert ("https://git.example/a:b", SHA) == named(pinned.name)
    assert ":" not in tag.name


def test_a_prefix_counts_by_whole_parts() -> None:
    base = RemoteBase("https://git.example/org-2/x", "v1", ".")

    assert base.under(["https://git.example/org-2"])
    assert not base.under(["https://git.example/org", "ssh://git@git.example/org-2", "nonsense"])

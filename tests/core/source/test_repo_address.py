from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.source.repo_address import RepoAddress, repository_key, same_repository

SPELLINGS = [
    "https://github.com/org/repo",
    "https://github.com/org/repo.git",
    "https://GitHub.com/Org/repo/",
    "https://user:secret@github.com:443/org/repo.git",
    "http://github.com//org/./repo",
    "ssh://git@github.com/org/repo.git",
    "ssh://git@ssh.github.com:443/org/repo.git",
    "git@github.com:org/repo.git",
    "github.com:org/repo",
    "https://github.com/org/re%70o",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_spellings_of_one_repository_are_one(url: str) -> None:
    assert same_repository(SPELLINGS[0], url)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/org/repo2",
        "https://github.com/org-2/repo",
        "https://github.com/org",
        "https://github.com.example.org/org/repo",
        "https://github.com@example.org/org/repo",
        "https://example.org/github.com/org/repo",
        "/org/repo",
    ],
)
def test_other_repositories_are_others(url: str) -> None:
    assert not same_repository(SPELLINGS[0], url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-u",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c id",
        "fd::17",
        "ftp://host/x",
        "git://host/x",
        "relative/path",
        "./x",
        "ssh://-oProxyCommand=id/x",
        "-oProxyCommand=id:x",
        "ssh://-l@host/x",
        "https://host/x\n",
        "https://host/x?y=z",
        "https:///x",
        "file://host/x",
        "https://host/" + "x" * 3000,
    ],
)
def test_what_git_should_not_fetch_from_is_no_address(url: str) -> None:
    assert RepoAddress.parse(url) is None
    assert repository_key(url) is None


@pytest.mark.parametrize(
    ("prefix", "url", "under"),
    [
        ("https://github.com", "https://github.com/org/repo", True),
        ("https://github.com/org", "https://github.com/org/repo.git", True),
        ("https://github.com/org/", "https://github.com/org", True),
        ("https://github.com/org/repo", "https://github.com/org/repo.git", True),
        ("https://github.com/org", "https://github.com/org-evil/repo", False),
        ("https://github.com", "https://github.com.evil.org/org/repo", False),
        ("https://github.com", "https://github.com:x@evil.org/org/repo", False),
        ("https://github.com", "https://github.com:8443/org/repo", False),
        ("https://github.com", "http://github.com/org/repo", False),
        ("git@github.com:org", "ssh://git@github.com/org/repo", True),
        ("ssh://git@github.com", "git@github.com:org/repo.git", True),
    ],
)
def test_credentials_of_a_prefix_go_to_whole_parts_below_it_only(prefix: str, url: str, *, under: bool) -> None:
    above, address = RepoAddress.parse(prefix), RepoAddress.parse(url)
    assert above is not None
    assert address is not None

    assert under == address.under(above)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_none(text: str) -> None:
    assert same_repository(text, text) == (RepoAddress.parse(text) is not None)

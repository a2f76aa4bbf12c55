"""A host has one spelling where rules and logins are compared: docs/security.md, "Reading"."""

from __future__ import annotations

import pytest

from gitopsd.core.project.access import source_permitted
from gitopsd.core.source.repo_address import RepoAddress, same_server
from gitopsd.model.ids import ProjectName
from gitopsd.model.project import AppProject
from gitopsd.settings import RepoCredentials
from gitopsd.trust.credentials import credentials_for

ONE = "https://git.example/secret/x"
SPELLINGS = [
    "https://git.example./secret/x",
    "https://git.example:0443/secret/x",
    "https://GIT.Example:443/secret/x.git",
    "https://git%2eexample/secret/x",
    "https://%67it.example/secret/%78",
    "https://bot:pw@git.example.:00443//secret/./x/",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_every_spelling_of_a_host_is_one_host(url: str) -> None:
    given = RepoCredentials("https://git.example/secret")

    assert not source_permitted(AppProject(ProjectName("p"), ("*", "!https://git.example/secret/**")), url)
    assert source_permitted(AppProject(ProjectName("p"), ("https://git.example/secret/*",)), url)
    assert given is credentials_for(url, [given])
    assert RepoAddress.parse(ONE) == RepoAddress.parse(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "\uff47it.example",
        "g\u0131t.example",
        "git.example..",
        "a b",
        "%2f",
        "x@y",
    ],
)
def test_a_host_that_could_be_read_as_another_is_none(host: str) -> None:
    for url in (f"https://{host}/x", f"oci://{host}/x", f"git@{host}:x", f"ssh://git@{host}/x"):
        found = RepoAddress.parse(url)
        assert found is None or host == "x@y"  # a user, and the host y
    assert None is RepoAddress.parse(f"https://{host}%40git.example/x")


def test_what_permits_a_url_is_how_it_is_read_and_not_how_it_is_written() -> None:
    project = AppProject(ProjectName("p"), ("https://git.example:**", "https://git.example/*/x"))

    assert not source_permitted(project, "https://git.example:443@evil.example/secret/x")
    assert not source_permitted(project, "https://git.example:pw@evil.example/x")
    assert source_permitted(project, "https://git.example:443/secret/x")
    assert source_permitted(
        AppProject(ProjectName("p"), ("https://org@dev.example/org/*",)), "https://org@dev.example/org/x"
    )


def test_logins_stay_with_their_server_in_any_spelling() -> None:
    for other in ("https://H.example:443/b?c", "https://h.example.:0443", "https://bot@h%2eexample/"):
        assert same_server("https://h.example/a", other)
    for other in ("http://h.example/a", "https://h.example:8443/a", "https://h.example.evil/a", "https://[::1", "x"):
        assert not same_server("https://h.example/a", other)
    assert not same_server("x", "x")

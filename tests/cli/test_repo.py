"""`gitopsd repo check`, against real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.cli.main import main
from tests.e2e.githost import GitHost, git_host
from tests.gitserver import trickling_server


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    (tmp_path / "served").mkdir()
    with git_host(tmp_path / "served", users={"ann": "s3cret"}) as found:
        yield found


def config(tmp_path: Path, **git: Any) -> Path:
    (tmp_path / "declared").mkdir(exist_ok=True)
    file = tmp_path / "gitopsd.yaml"
    file.write_text(yaml.safe_dump({"git": git, "declarations": [{"directory": "declared"}]}))
    return file


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert 0 == main(("repo", "check", *arguments, "-o", "json"))
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_opens_is_told_with_the_credentials_name_and_never_their_value(
    host: GitHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = host.repo("shop")
    first = repo.commit({"a": "1"})
    repo.commit({"a": "2"}, branch="other")
    repo.tag("v1.0.0")
    repo.tag("v1.2.0", repo.commit({"a": "3"}), annotated=True)
    (tmp_path / "password").write_text("s3cret")
    given = {"url": host.server.url, "username": "ann", "password": {"file": str(tmp_path / "password")}}
    settings = str(config(tmp_path, credentials=[given]))
    latest = str(repo.git.references["refs/heads/main"].target)

    found = told(capsys, host.url(repo), "--config", settings)
    assert ("main", latest, {"branches": 2, "tags": 2, "others": 0}) == (
        found["default"],
        found["revision"],
        found["counts"],
    )
    assert f"user and password, of git.credentials[0] for {host.server.url}" == found["credentials"]
    for revision, expected in (("v1.0.0", first), ("v1.*", latest), (first, first), ("refs/heads/main", latest)):
        assert expected == told(capsys, host.url(repo), "--config", settings, "--revision", revision)["revision"]
    assert 0 == main(("repo", "check", host.url(repo), "--config", settings))
    assert "Default:      main" in capsys.readouterr().out
    assert 5 == main(("repo", "check", host.url(repo), "--config", settings, "--revision", "v2.*"))
    assert "has no 'v2.*'" in capsys.readouterr().err


def test_secret_beside_declarations_is_used(host: GitHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = host.repo("shop")
    repo.commit({"a": "1"})
    settings = str(config(tmp_path))
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "labels": labels}}
    data = {"url": host.url(repo), "username": "ann", "password": "s3cret"}
    (tmp_path / "declared/git.yaml").write_text(yaml.safe_dump({**secret, "stringData": data}))

    found = told(capsys, host.url(repo), "--config", settings)

    assert f"user and password, of a Secret for {host.url(repo)}" == found["credentials"]
    assert "s3cret" not in str(found)


def test_what_does_not_open_ends_with_3_and_says_why(host: GitHost, capsys: pytest.CaptureFixture[str]) -> None:
    repo = host.repo("shop")
    repo.commit({"a": "1"})
    wrong = host.url(repo).replace("//", "//ann:wr0ng@")

    for url in (host.url(repo), wrong, "oci://127.0.0.1:9/x", "https://127.0.0.1:9/x"):
        assert 3 == main(("repo", "check", url))
        said = capsys.readouterr()
        assert "gitopsd: " in said.err
        assert "wr0ng" not in said.err + said.out
    assert 5 == main(("repo", "check", "ext::sh -c x"))


async def test_server_that_trickles_is_given_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitopsd.offline.repo_check.DEADLINE_S", 0.5)
    async with trickling_server() as url:
        assert 3 == await asyncio.to_thread(main, ("repo", "check", url))

    assert "took more than 0.5 s" in capsys.readouterr().err

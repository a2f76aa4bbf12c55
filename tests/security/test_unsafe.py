"""What an operator leaves open is said, by `gitopsd check` and at the start: docs/security.md, "Settings"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.manifests.jobs import documents
from gitopsd.offline.check import check
from gitopsd.settings import unsafe

GIT = "https://git.example/"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "short").write_text("hunter2-hunter2-hun\n")
    (tmp_path / "long").write_text("a-token-of-20-chars.\n")
    (tmp_path / "cert").touch()
    return tmp_path / "gitopsd.yaml"


def told(file: Path, **settings: Any) -> str:
    file.write_text(yaml.safe_dump(settings))
    return "\n".join(map(str, unsafe(file, {})))


@pytest.mark.parametrize(
    ("host", "open_"),
    [("127.0.0.1", ""), ("127.8.8.8", ""), ("::1", ""), ("localhost", ""), ("0.0.0.0", "no TLS")],  # noqa: S104 - nothing listens
)
def test_an_api_without_tls_is_for_this_machine(file: Path, host: str, open_: str) -> None:
    said = told(file, api={"host": host})

    assert open_ in said
    assert bool(open_) == bool(said)
    assert "" == told(file, api={"host": host, "cert_file": "cert", "key_file": "cert"})


def test_a_name_may_be_any_machine(file: Path) -> None:
    assert "gitopsd.yaml:2: api.host is gitops.example, and the API has no TLS" in told(
        file, api={"host": "gitops.example"}
    )


def test_a_short_token_is_named_and_not_shown(file: Path) -> None:
    said = told(file, api={"token": {"file": "short"}, "webhook_secret": {"file": "short"}})

    assert 2 == said.count("fewer than 20 characters")
    assert "hunter2" not in said
    assert "" == told(file, api={"token": {"file": "long"}})


def test_a_server_that_is_not_checked_is_named(file: Path) -> None:
    given = [{"url": GIT, "insecure": True}, {"url": "ssh://h/", "insecure_host_key": True}, {"url": "https://safe/"}]
    said = told(file, git={"credentials": [*given, {"url": "oci://r.example/", "plain_http": True}]})

    assert ["[0]", "[1]", "[3]"] == [f"[{place}]" for place in range(4) if f"git.credentials[{place}] " in said]


async def test_check_warns_of_settings_secrets_and_passwords_in_urls(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "apps"
    folder.mkdir()
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    of_cluster = {"argocd.argoproj.io/secret-type": "cluster"}
    config = '{"bearerToken": "hunter2", "tlsClientConfig": {"insecure": true}}'
    spec = {
        "project": "default",
        "source": {"repoURL": "https://ann:hunter2@git.example/a", "path": "."},
        "destination": {"name": "west", "namespace": "a"},
    }
    manifests = [
        secret("repo", labels, {"url": GIT, "insecure": "true"}),
        secret("west", of_cluster, {"name": "west", "server": "https://west:6443", "config": config}),
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"}, "spec": spec},
    ]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    told(file, api={"host": "0.0.0.0"}, declarations=[{"directory": "apps"}])  # noqa: S104 - nothing listens

    async def parse(name: str, text: str) -> list[tuple[int, object]]:
        return [(line, value) for line, value in documents(name, text)]

    report = await check(file, {}, parse)

    said = "\n".join(report.warnings)
    assert [] == report.errors
    for words in ("no TLS", "checks neither certificates", "the server is not checked", "repoURL holds a password"):
        assert words in said
    assert "hunter2" not in said


def secret(name: str, labels: dict[str, str], values: dict[str, str]) -> dict[str, Any]:
    meta = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": values}

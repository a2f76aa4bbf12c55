"""Argo CD's Secrets, as its users have them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import yaml

from gitopsd.settings import GitHubApp, Held, RepoCredentials
from gitopsd.trust.secrets import is_credentials, read
from tests.trust.secrets import secret


def test_every_way_in_of_argo_cd_s_own_examples() -> None:
    documents = yaml.safe_load_all("""
apiVersion: v1
kind: Secret
metadata: {name: a, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: git, url: https://h/private-repo, password: my-password, username: my-username, enableLfs: "true"}
---
apiVersion: v1
kind: Secret
metadata: {name: b, labels: {argocd.argoproj.io/secret-type: repository}}
stringData:
  url: git@h:org/repo.git
  sshPrivateKey: |
    -----BEGIN OPENSSH PRIVATE KEY-----
    abc
    -----END OPENSSH PRIVATE KEY-----
  insecureIgnoreHostKey: "true"
---
apiVersion: v1
kind: Secret
metadata: {name: c, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {url: registry.example/charts, type: helm, enableOCI: "true", username: u, password: p}
---
apiVersion: v1
kind: Secret
metadata: {name: d, labels: {argocd.argoproj.io/secret-type: repo-creds}}
stringData:
  url: https://ghe.example/org
  githubAppID: "1"
  githubAppInstallationID: "2"
  githubAppEnterpriseBaseUrl: https://ghe.example/api/v3
  githubAppPrivateKey: pem
  proxy: http://proxy:8888
  noProxy: .internal
---
apiVersion: v1
kind: Secret
metadata: {name: e, labels: {argocd.argoproj.io/secret-type: repo-creds}}
stringData: {url: https://tls, tlsClientCertData: cert, tlsClientCertKey: key, insecure: "true"}
---
apiVersion: v1
kind: Secret
metadata: {name: f, labels: {argocd.argoproj.io/secret-type: repo-creds}}
stringData: {url: https://bitbucket, bearerToken: token, forceHttpBasicAuth: "false"}
""")
    found = read((f"f:{place}", document) for place, document in enumerate(documents))

    assert ([], ["f:1", "f:4"]) == (found.errors, [warning[:3] for warning in found.warnings])  # which check nothing
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    assert (
        RepoCredentials("https://h/private-repo", "my-username", Held(text="my-password"), lfs=True),
        RepoCredentials("git@h:org/repo.git", ssh_key=Held(text=key), insecure_host_key=True),
        RepoCredentials("oci://registry.example/charts", "u", Held(text="p")),
    ) == found.declared.repositories
    app = GitHubApp(1, Held(text="pem"), 2, "https://ghe.example/api/v3")
    assert (
        RepoCredentials("https://ghe.example/org", github_app=app, proxy="http://proxy:8888", no_proxy=".internal"),
        RepoCredentials("https://tls", client_cert=Held(text="cert"), client_key=Held(text="key"), insecure=True),
        RepoCredentials("https://bitbucket", bearer_token=Held(text="token")),
    ) == found.declared.templates


def test_data_is_base64_and_string_data_goes_before_it() -> None:
    document = secret(username="plain")
    document["data"] = {
        name: b64encode(value).decode()
        for name, value in {"url": b"https://h\n", "username": b"x", "password": b"p\n"}.items()
    }

    assert (RepoCredentials("https://h", "plain", Held(text="p")),) == read([("f:1", document)]).declared.repositories


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "url is missing"),
        ({"url": "ext::sh -c x"}, "url is none that is fetched from"),
        ({"url": "https://h", "insecure": "yes"}, "insecure is neither true nor false"),
        ({"url": "https://h", "githubAppID": "1"}, "githubAppPrivateKey is missing"),
        ({"url": "https://h", "githubAppID": "one", "githubAppPrivateKey": "hunter2"}, "githubAppID is no number"),
        ({"url": "https://h", "password": "hunter2", "sshPrivateKey": "hunter2"}, "has password and ssh_key"),
        ({"url": "https://h", "tlsClientCertData": "hunter2"}, "one of client_cert and client_key"),
        ({"url": "https://h", "gcpServiceAccountKey": "hunter2"}, "gcpServiceAccountKey is not supported yet"),
        ({"url": "https://h", "type": "svn"}, "type is 'svn'"),
    ],
)
def test_secret_that_cannot_be_used_is_an_error_that_tells_no_secret(data: dict[str, str], says: str) -> None:
    (error,) = read([("f:1", secret(**data))]).errors

    assert error.startswith("f:1: ")
    assert says in error
    assert "hunter2" not in error


@pytest.mark.parametrize("data", [{"url": "&&&"}, {"url": 1}, []])
def test_data_that_is_no_base64_is_an_error(data: Any) -> None:
    (error,) = read([("f:1", {**secret(), "data": data or "text"})]).errors

    assert "data" in error


def test_what_has_no_effect_is_a_warning() -> None:
    found = read(
        [
            ("f:1", secret(url="https://h", depth="1", project="team", usrname="x")),
            ("f:2", secret("scm-creds", url="https://h")),
        ]
    )

    assert [
        "f:1: usrname is unknown and has no effect; did you mean username?",
        "f:2: a Secret of type 'scm-creds' has no effect; gitopsd asks no code host for its repositories",
    ] == found.warnings
    assert ["team"] == [each.project for each in found.declared.repositories]


def test_two_secrets_for_one_repository_are_an_error() -> None:
    found = read([("f:1", secret(url="https://h/x")), ("f:2", secret(url="https://h/x.git"))])

    assert ["f:2: https://h/x.git is declared at f:1 already; remove one"] == found.errors


def test_other_secrets_are_none_of_ours() -> None:
    assert is_credentials(secret())
    others: tuple[Any, ...] = (secret(""), {"kind": "Secret"}, {**secret(), "kind": "ConfigMap"}, None, [])
    for other in others:
        assert not is_credentials(other)

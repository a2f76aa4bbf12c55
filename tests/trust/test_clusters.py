"""Argo CD's cluster Secrets, and the kubeconfigs they become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsd.trust.secrets import read
from tests.trust.clusters import cluster
from tests.trust.secrets import secret


def kubeconfig(config: Any, **data: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the cluster and the user of the kubeconfig that a Secret becomes."""
    found = read([("f:1", cluster(config, **{"name": "prod", "server": "https://1.2.3.4:6443", **data}))])
    assert [] == found.errors + [warning for warning in found.warnings if "is not checked" not in warning]
    (one,) = found.clusters
    assert "hunter2" not in repr(one)
    document = json.loads(one.kubeconfig)
    return document["clusters"][0]["cluster"], document["users"][0]["user"]


def test_logins_of_argo_cd_s_own_examples() -> None:
    tls = {"insecure": False, "caData": "Y2E=", "serverName": "api"}
    assert (
        {"server": "https://1.2.3.4:6443", "certificate-authority-data": "Y2E=", "tls-server-name": "api"},
        {"token": "hunter2"},
    ) == kubeconfig({"bearerToken": "hunter2", "tlsClientConfig": tls})
    assert (
        {"server": "https://1.2.3.4:6443", "insecure-skip-tls-verify": True, "proxy-url": "http://p:1"},
        {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"},
    ) == kubeconfig(
        {"tlsClientConfig": {"insecure": True, "certData": "Y2VydA==", "keyData": "a2V5"}, "proxyUrl": "http://p:1"}
    )
    run = {"command": "argocd-k8s-auth", "args": ["gcp"], "apiVersion": "client.authentication.k8s.io/v1beta1"}
    _, user = kubeconfig({"execProviderConfig": {**run, "env": {"A": "b"}}})
    assert {"exec": {**run, "env": [{"name": "A", "value": "b"}], "interactiveMode": "Never"}} == user
    _, user = kubeconfig({"username": "ann", "password": "hunter2"})
    assert {"username": "ann", "password": "hunter2"} == user


def test_cluster_that_gitopsd_runs_in_needs_no_login_and_a_name_may_be_any_text() -> None:
    found = read(
        [
            ("f:1", cluster(name="in-cluster", server="https://kubernetes.default.svc")),
            ("f:2", cluster({"bearerToken": "t"}, name="arn:aws:eks:eu:1:cluster/prod", server="https://eks")),
            ("f:3", cluster({"bearerToken": "t"}, server="https://unnamed.example:443", project="a")),
            (
                "f:4",
                cluster({"bearerToken": "t"}, server="https://some:443", namespaces="a, b", clusterResources="true"),
            ),
        ]
    )

    assert [
        ("in-cluster", b""),
        ("arn:aws:eks:eu:1:cluster/prod", b"{"),
        ("unnamed.example", b"{"),
        ("some", b"{"),
    ] == [(each.name, each.kubeconfig[:1]) for each in found.clusters]
    within = [(each.namespaces, each.cluster_resources) for each in found.clusters]
    assert [((), False)] * 3 + [(("a", "b"), True)] == within
    assert ["", "", "a", ""] == [cluster.project for cluster in found.clusters]
    assert [] == found.warnings


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (cluster({"bearerToken": "t"}, server="http://x"), "server is no https:// URL"),
        (cluster({"bearerToken": "t"}, server="https://u:hunter2@x"), "server is no https:// URL"),
        (cluster(server="https://x"), "config holds no login"),
        (cluster({"bearerToken": "t"}, server="https://x", namespaces="a,../b"), "cannot be a namespace"),
        (cluster({"bearerToken": "t"}, server="https://x", name="gitopsd"), "name cannot be used"),
        (cluster({"awsAuthConfig": {"clusterName": "a"}}, server="https://x"), "awsAuthConfig is not supported"),
        (cluster({"tlsClientConfig": {"certData": "aGk="}}, server="https://x"), "one of certData and keyData"),
        (cluster({"tlsClientConfig": {"keyData": "hunter2!"}}, server="https://x"), "keyData is no base64"),
        (cluster({"bearerToken": 1}, server="https://x"), "bearerToken is not a string"),
        (cluster({"tlsClientConfig": []}, server="https://x"), "config holds no login"),
        (secret("cluster", server="https://x", config="{hunter2"), "config is no JSON object"),
    ],
)
def test_cluster_that_cannot_be_reached_is_an_error(document: dict[str, Any], says: str) -> None:
    (error,) = read([("f:1", document)]).errors

    assert error.startswith("f:1: ")
    assert says in error
    assert "hunter2" not in error


def test_two_clusters_of_one_name_are_an_error() -> None:
    twice = cluster({"bearerToken": "t"}, name="a", server="https://x")

    assert ["f:2: cluster a is declared already; remove one"] == read([("f:1", twice), ("f:2", twice)]).errors

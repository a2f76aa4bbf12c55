"""config/rbac.yaml on a real API server: what each account may do, and what it may not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.clusters import Cluster, call

RBAC = Path(__file__).parents[2] / "config/rbac.yaml"
PLURALS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/gitopsd/serviceaccounts",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = "?fieldManager=gitopsd&force=true"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
        },
    },
}
Ask = Callable[..., int]  # method, path, body → status


@pytest.fixture(scope="module")
def granted(real_cluster: Cluster) -> Iterator[Cluster]:
    documents = list(yaml.safe_load_all(RBAC.read_text()))
    for document in documents:
        status, answer = call(real_cluster, "POST", PLURALS[document["kind"]], document)
        assert 201 == status, answer
    yield real_cluster
    for document in documents:
        call(real_cluster, "DELETE", f"{PLURALS[document['kind']]}/{document['metadata']['name']}")


def asking(cluster: Cluster, account: str) -> Ask:
    """Return a function that asks as a service account of namespace gitopsd, by a token of its own."""
    path = f"/api/v1/namespaces/gitopsd/serviceaccounts/{account}/token"
    status, answer = call(cluster, "POST", path, {"spec": {"expirationSeconds": 3600}})
    assert 201 == status, answer

    def ask(method: str, path: str, body: Any = None) -> int:
        return status_of(cluster, answer["status"]["token"], _http(method, path), body)

    return ask


def _http(method: str, path: str) -> tuple[str, str, str]:
    """Return method, path and media type of a request; APPLY is a forced server-side apply."""
    if method == "APPLY":
        return "PATCH", path + APPLY, "application/apply-patch+yaml"
    return method, path, "application/json"


def status_of(cluster: Cluster, token: str, request: tuple[str, str, str], body: Any) -> int:
    method, path, media = request
    where = urlsplit(cluster.server)
    trust = create_default_context(cafile=f"{cluster.ca_file}")
    connection = HTTPSConnection(where.hostname or "", where.port, timeout=30, context=trust)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.fixture
def reader(granted: Cluster) -> Ask:
    return asking(granted, "gitopsd-reader")


@pytest.fixture
def writer(granted: Cluster) -> Ask:
    return asking(granted, "gitopsd-writer")


@pytest.mark.parametrize("account", ["gitopsd-reader", "gitopsd-writer"])
@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/apis",
        "/apis/apps/v1",
        "/api/v1/secrets",
        "/apis/apps/v1/deployments?watch=true&timeoutSeconds=1",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/api/v1/namespaces/default",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/gitopsd-reader",
    ],
)
def test_both_accounts_read(granted: Cluster, account: str, path: str) -> None:
    assert 200 == asking(granted, account)("GET", path)


def test_reader_writes_nothing_and_may_not_even_dry_run(reader: Ask) -> None:
    assert 403 == reader("APPLY", f"{DEPLOYMENTS}/web", DEPLOYMENT)
    assert 403 == reader("POST", f"{DEPLOYMENTS}?dryRun=All", DEPLOYMENT)
    assert 403 == reader("POST", "/api/v1/namespaces", {"metadata": {"name": "made"}})
    assert 403 == reader("DELETE", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")


def test_writer_applies_and_prunes(writer: Ask) -> None:
    assert 201 == writer("APPLY", f"{DEPLOYMENTS}/web", DEPLOYMENT)
    assert 200 == writer("APPLY", f"{DEPLOYMENTS}/web", DEPLOYMENT)
    assert 200 == writer("DELETE", f"{DEPLOYMENTS}/web")


def test_writer_keeps_the_lease_of_its_instance_and_no_other(writer: Ask, reader: Ask) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "gitopsd"}}

    assert 201 == writer("POST", leases, lease)
    assert 200 == writer("GET", f"{leases}/gitopsd")
    assert 200 == writer("APPLY", f"{leases}/gitopsd", lease)
    assert 403 == writer("APPLY", f"{leases}/other", lease)
    assert 403 == reader("APPLY", f"{leases}/gitopsd", lease)


@pytest.mark.parametrize("account", ["gitopsd-reader", "gitopsd-writer"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        # A GET or POST on these runs commands in containers.
        ("GET", "/api/v1/namespaces/default/pods/web/exec?command=id"),
        ("POST", "/api/v1/namespaces/default/pods/web/exec?command=id"),
        ("GET", "/api/v1/namespaces/default/pods/web/attach"),
        ("GET", "/api/v1/nodes/one/proxy/pods"),
        ("GET", "/api/v1/namespaces/default/services/web/proxy"),
        # These give the rights of somebody else.
        ("POST", "/api/v1/namespaces/kube-system/serviceaccounts/default/token"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
        ("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests"),
        ("DELETE", "/api/v1/namespaces/default/configmaps"),
        ("GET", "/metrics"),
        ("GET", "/logs"),
    ],
)
def test_neither_account_may_do_what_nobody_asked_for(granted: Cluster, account: str, method: str, path: str) -> None:
    body = None if method == "GET" else {"metadata": {"name": "x"}}

    assert 403 == asking(granted, account)(method, path, body)

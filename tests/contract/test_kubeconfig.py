"""A kubeconfig makes us whom it makes kubectl, on a real API server: every field that says who, and whom to trust."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import GitopsError
from gitopsd.kube.client import KubeClient
from gitopsd.settings import ClusterSettings
from tests.clusters import ADMIN, NOBODY, READER, Cluster

KUBECTL = Path(sys.executable).parent / "kubectl"
V1 = "client.authentication.k8s.io/v1"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
FALLS = """#!{python}
import json, os, sys
spec = json.loads(os.environ["KUBERNETES_EXEC_INFO"])["spec"]
known = spec.get("cluster", {{}}).get("server", "").startswith("https://127.0.0.1:")
token = {known!r} if known else {unknown!r}
status = {{"token": token}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def plugin(**more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": "bin/login", "interactiveMode": "Never", **more}}


USERS: dict[str, dict[str, Any]] = {
    "a token": {"token": READER},
    "a token file and a token": {"token": NOBODY, "tokenFile": "token"},
    "a token file that is not there, and a token": {"token": READER, "tokenFile": "nowhere"},
    "a token file that is not there": {"tokenFile": "nowhere"},
    "as": {"token": ADMIN, "as": "ann"},
    "as a group": {"token": ADMIN, "as": "ann", "as-groups": ["dev", "ops"]},
    "as an id": {"token": ADMIN, "as": "ann", "as-uid": "7"},
    "as extra": {"token": ADMIN, "as": "ann", "as-user-extra": {"example.org/team": ["a", "b"], "Plain": ["c"]}},
    "as whom we may not": {"token": READER, "as": "ann"},
    "a group and no user": {"token": ADMIN, "as-groups": ["dev"]},
    "a plugin": plugin(),
    "a plugin that is told of the cluster": plugin(provideClusterInfo=True),
    "a plugin and a token": {"token": NOBODY, **plugin()},
    "a plugin that is not there": {"exec": {"apiVersion": V1, "command": "nowhere-at-all", "interactiveMode": "Never"}},
    "a plugin of an old version": plugin(apiVersion="client.authentication.k8s.io/v1alpha1"),
    "a plugin of another version": plugin(apiVersion="client.authentication.k8s.io/v1beta1"),
    "a plugin that asks": plugin(interactiveMode="Always"),
    "a token and a password": {"token": ADMIN, "username": "u", "password": "p"},
    "a provider that is gone": {"auth-provider": {"name": "gcp", "config": {}}},
    "a plugin and a provider": {**plugin(), "auth-provider": {"name": "oidc", "config": {}}},
}
CLUSTERS: dict[str, dict[str, Any]] = {
    "authorities that are no certificate": {"certificate-authority-data": encoded(b"hello")},
    "authorities that are no base64": {"certificate-authority-data": "!!!!"},
    "authorities that are white space": {"certificate-authority-data": encoded(b"\n")},
    "no authorities": {},
    "authorities that are not there": {"certificate-authority": "nowhere"},
    "nobody is checked": {"insecure-skip-tls-verify": True},
    "another name": {"certificate-authority": "ca.crt", "tls-server-name": "localhost"},
    "a wrong name": {"certificate-authority": "ca.crt", "tls-server-name": "elsewhere"},
    "a proxy of an unknown kind": {"certificate-authority": "ca.crt", "proxy-url": "ftp://127.0.0.1:1"},
    "a proxy that is not there": {"certificate-authority": "ca.crt", "proxy-url": "http://127.0.0.1:1"},
    "authorities and no check": {"certificate-authority": "ca.crt", "insecure-skip-tls-verify": True},
}


def written(folder: Path, real: Cluster, user: dict[str, Any], trust: dict[str, Any]) -> Path:
    """Write a kubeconfig, and what it names beside it."""
    (folder / "ca.crt").write_bytes(real.ca_file.read_bytes())
    (folder / "token").write_text(f"{READER}\n")
    program = folder / "bin" / "login"
    program.parent.mkdir()
    program.write_text(FALLS.format(python=sys.executable, known=ADMIN, unknown=READER))
    program.chmod(0o755)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": real.server, **trust}}],
        "users": [{"name": "it", "user": user}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(document))
    return file


async def of_kubectl(file: Path) -> Any:
    """Return who kubectl is by a kubeconfig; None where it does not get through."""
    env = {"PATH": os.defpath, "HOME": f"{file.parent}"}
    command = (f"{KUBECTL}", f"--kubeconfig={file}", "--request-timeout=20s", "auth", "whoami", "-o", "json")
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, env=env, cwd="/", stdout=pipe, stderr=pipe)
    out, _ = await child.communicate()
    return json.loads(out)["status"]["userInfo"] if child.returncode == 0 else None


async def of_ours(file: Path) -> Any:
    """Return who we are by a kubeconfig; None where we do not get through."""
    settings = ClusterSettings("it", kubeconfig=file)
    async with KubeClient(settings, exec_plugins=[f"{file.parent}/bin/login"]) as client:
        try:
            reply = await client.request("POST", REVIEWS, body=REVIEW)
        except GitopsError:
            return None
    return reply.body["status"]["userInfo"] if reply.ok else None


@pytest.mark.parametrize("name", USERS)
async def test_a_user_is_whom_kubectl_takes_it_for(real_cluster: Cluster, tmp_path: Path, name: str) -> None:
    file = written(tmp_path, real_cluster, USERS[name], {"certificate-authority": "ca.crt"})

    assert await of_kubectl(file) == await of_ours(file)


@pytest.mark.parametrize("name", CLUSTERS)
async def test_a_cluster_is_trusted_as_kubectl_trusts_it(real_cluster: Cluster, tmp_path: Path, name: str) -> None:
    file = written(tmp_path, real_cluster, {"token": READER}, CLUSTERS[name])

    assert await of_kubectl(file) == await of_ours(file)

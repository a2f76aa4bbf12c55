"""Repositories that open to credentials, and commits that count by their signature, as a daemon in use has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clusters import Cluster
from tests.e2e.conftest import ONCE, Own
from tests.e2e.declarations import write
from tests.e2e.world import HERE, THERE, config_map, text
from tests.git.parts import mount
from tests.gitserver import Repo
from tests.lfsserver import lfs_server
from tests.processes import arguments, descendants, environment
from tests.registry import own_registry, tar
from tests.signing import GPG, home

KEEP = text(config_map("keep", v="1"))
needs_gpg = pytest.mark.skipif(GPG is None, reason="gpg is not here")


def secret(url: str, **data: str) -> str:
    labels = {"argocd.argoproj.io/secret-type": "repo-creds"}
    metadata = {"name": "git", "labels": labels}
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": url, **data}}
    )


def cluster_secret(name: str, kubeconfig: Path) -> str:
    """Return Argo CD's Secret for the cluster of a kubeconfig."""
    found = yaml.safe_load(kubeconfig.read_text())
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    tls = {"caData": cluster["certificate-authority-data"]}
    tls |= (
        {"certData": user["client-certificate-data"], "keyData": user["client-key-data"]} if "token" not in user else {}
    )
    config = {"bearerToken": user.get("token", ""), "tlsClientConfig": tls}
    data = {"name": name, "server": cluster["server"], "config": json.dumps(config)}
    metadata = {"name": name, "labels": {"argocd.argoproj.io/secret-type": "cluster"}}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


def project(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name},
        "spec": {"sourceRepos": ["*"], "destinations": [{"name": "*", "namespace": "*"}], **spec},
    }


@ONCE
@needs_gpg
async def test_secret_opens_a_repository_and_only_signed_commits_of_it_are_applied(
    own: Own, pair: Mapping[str, Cluster], tmp_path: Path
) -> None:
    served, folder, ring = tmp_path / "guarded", tmp_path / "declarations", tmp_path / "ring"
    for each in (served, folder, ring):
        each.mkdir()
    repo = Repo(served / "config.git")
    repo.commit({"keep.yaml": KEEP})
    with home() as keys:
        ann = keys.gpg_key("ann")
        (ring / "ann.asc").write_text(ann.public)
        elsewhere = {"url": "https://elsewhere.example/", "password": {"env": "E2E_GIT"}}
        git = {"gpg_keys": str(ring), "poll_s": 1.0, "credentials": [elsewhere]}
        (folder / "cluster.yaml").write_text(cluster_secret(HERE, pair[HERE].kubeconfig))
        there = [{"name": THERE, "kubeconfig": str(pair[THERE].kubeconfig)}]
        changes = {"declarations": [{"directory": str(folder)}], "git": git, "clusters": there}
        async with (
            lfs_server(served, users={"ann": "s3cret-of-ann"}) as lfs,
            own_registry(login="ann:s3cret-of-ann") as registry,
            own(changes=changes, environ={"E2E_GIT": "s3cret-of-the-environment"}) as shop,
        ):
            server = lfs.server
            login = {"username": "ann", "password": "s3cret-of-ann", "enableLfs": "true"}
            layer = tar({"app/of-registry.yaml": text(config_map("of-registry", v="1"))})
            digest = await registry.artifact("org/app", "1.2.3", layer)
            artifact = shop.application("artifact", f"{registry.url}/org/app", "app", project="signed")
            artifact["spec"]["source"]["targetRevision"] = "1.*"
            (folder / "registry.yaml").write_text(
                secret(f"{registry.host}/org", **login, type="oci", insecureOCIForceHttp="true")
            )
            write(folder / "artifact.yaml", artifact)
            write(folder / "project.yaml", project("signed", signatureKeys=[{"keyID": ann.id}]))
            write(folder / "web.yaml", shop.application("web", f"{server.url}/config.git", project="signed"))
            (folder / "git.yaml").write_text(secret(server.url, **login))
            told = await shop.daemon.until_condition(shop.name("web"), "ComparisonError", "is not signed")
            assert "sourceIntegrity" in told
            assert await shop.live("keep") is None

            library = Repo(served / "library.git").commit({"of-library.yaml": text(config_map("of-library", v="1"))})
            mount(repo, "library", library, "../library.git")
            stored = lfs.keep(text(config_map("of-lfs", v="1")).encode())
            keys.commit(repo, {"keep.yaml": text(config_map("keep", v="2")), "of-lfs.yaml": stored}, ann)
            seen = await shop.daemon.until_synced(shop.name("web"))
            assert {"v": "2"} == (await shop.live("keep") or {})["data"]
            for name in ("of-library", "of-lfs"):
                assert {"v": "1"} == (await shop.live(name) or {})["data"]

            await shop.daemon.until_synced(shop.name("artifact"), digest)
            assert {"v": "1"} == (await shop.live("of-registry") or {})["data"]

            assert "s3cret" not in str(seen) + shop.daemon.process.log
            children = list(descendants(shop.daemon.process.pid))  # workers, the embedded Redis
            assert children
            assert not [child for child in children if b"s3cret" in environment(child) + arguments(child)]
            root = shop.daemon.process.root
            files = [file for file in root.rglob("*") if file.is_file()]
            assert any(file.suffix == ".db" for file in files)
            assert not [file for file in files if b"s3cret" in file.read_bytes()]

from __future__ import annotations

from pathlib import Path

import yaml

from gitopsd.daemon.cluster_secrets import ClusterSecrets
from gitopsd.settings import ClusterSettings, DeclarationSource, Settings
from gitopsd.trust.clusters import ClusterSecret
from gitopsd.trust.secrets import read
from tests.trust.clusters import cluster


def described(*found: dict[str, object]) -> list[ClusterSecret]:
    return read((f"f:{place}", document) for place, document in enumerate(found)).clusters


def token_of(kubeconfig: Path | None) -> str:
    assert kubeconfig is not None
    found: str = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    return found


async def test_clusters_of_secrets_stand_beside_those_of_the_settings_and_their_logins_follow(tmp_path: Path) -> None:
    login = {"bearerToken": "a rather long first token"}
    first = cluster(login, name="prod", server="https://prod", namespaces="web")
    same = cluster({"bearerToken": "x"}, name="mine", server="https://other")
    here = cluster(name="in-cluster", server="https://kubernetes.default.svc")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([first, same, here]))
    (tmp_path / "chart.yaml").write_text("{{ not yaml")
    mine = ClusterSettings("mine", server="https://mine")
    secrets = ClusterSecrets(Settings(clusters=(mine,), declarations=(DeclarationSource(tmp_path),)))

    known, in_cluster, prod = (await secrets.with_clusters()).clusters

    assert mine == known
    assert ClusterSettings("in-cluster", in_cluster=True) == in_cluster
    assert ("prod", "a rather long first token", ("web",)) == (prod.name, token_of(prod.kubeconfig), prod.namespaces)
    second = cluster({"bearerToken": "second"}, name="prod", server="https://prod")
    late = cluster({"bearerToken": "x"}, name="new", server="https://new")
    told = secrets.told(described(second, same, here, late))
    assert [
        "the namespaces of cluster prod are other ones from the next start on",
        "cluster new is not known yet; it is from the next start on",
    ] == told
    assert "second" == token_of(prod.kubeconfig)

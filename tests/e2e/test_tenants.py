"""What a tenant may not have, through the daemon: other projects, addresses that are nobody's, closed repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.conftest import ONCE, Own
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo, http_server

KEEP = text(config_map("keep"))


def project(shop: World, **spec: Any) -> dict[str, Any]:
    meta = {"name": shop.name("team")}
    reach = {"sourceRepos": ["*"], "destinations": [{"server": "*", "name": "*", "namespace": "*"}]}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": meta, "spec": {**reach, **spec}}


@ONCE
async def test_only_what_is_public_or_named_is_asked(own: Own, tmp_path: Path) -> None:
    Repo(tmp_path / "config.git").commit({"keep.yaml": KEEP})
    async with http_server(tmp_path) as inside, own(changes={"network": {"private": []}}) as shop:
        repo = shop.repo(files={"keep.yaml": KEEP})  # at the host and port that `declarations` names
        await shop.declare(
            shop.application("web", repo),
            shop.application("inside", f"{inside.url}/config.git"),
            shop.application("local", f"file://{tmp_path}/config.git"),
        )

        await shop.daemon.until_synced(shop.name("web"))
        await shop.daemon.until_condition(shop.name("inside"), "config.git cannot be fetched")
        await shop.daemon.until_condition(shop.name("local"), "git.local_repositories")
        assert [] == inside.requests


async def test_a_closed_repository_is_not_fetched_for_anybody(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP})
    await shop.declare(
        project(shop, sourceRepos=["https://git.example/*"]),
        shop.application("web", repo, project=shop.name("team")),
        shop.application("lost", repo, project=shop.name("nobody")),
    )

    for name in ("web", "lost"):
        await shop.daemon.until_condition(shop.name(name), "project")
    assert 0 == shop.host.fetches(repo)


async def test_a_glob_of_clusters_declares_nothing(shop: World) -> None:
    child = shop.application("child", shop.repo("elsewhere", files={"keep.yaml": KEEP}))
    repo = shop.repo(files={"child.yaml": text(child)})
    root = shop.application("root", repo, project=shop.name("team"))
    root["spec"]["destination"] = {"server": "https://kubernetes.default.svc", "namespace": "argocd"}
    await shop.declare(project(shop), root)

    await shop.daemon.until_condition(shop.name("root"), "does not let its applications declare")
    assert None is await shop.daemon.app(shop.name("child"))

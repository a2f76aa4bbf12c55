"""What a tenant may not have, through the daemon: other projects, addresses that are nobody's, closed repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


LOGINS = ("tenant-token-0123456789abcdef", "tenant:hunter2hunter2")
OPERATORS = (
    "applications", "applications/{web}", "applications/{web}/resource-tree", "applications/{web}/manifests",
    "applications/{gone}", "applications/{gone}/manifests", "repositories", "projects", "audit", "clusters",
)  # fmt: skip


@ONCE
@pytest.mark.parametrize("login", LOGINS)
async def test_a_login_in_a_url_is_shown_nowhere(own: Own, login: str) -> None:
    secret = login.rpartition(":")[2]
    unchecked = {"url": "https://git.example/", "insecure": True}
    async with own(changes={"git": {"credentials": [unchecked]}}) as shop:
        url = shop.host.url(shop.repo(files={"keep.yaml": KEEP})).replace("://", f"://{login}@")
        web, gone = shop.application("web", url), shop.application("gone", f"{url}-gone")
        names = {"web": shop.name("web"), "gone": shop.name("gone")}
        await shop.declare(web, gone)
        await shop.daemon.until_condition(names["web"], "holds a password")
        await shop.daemon.until_condition(names["gone"], "cannot be fetched")
        await shop.daemon.until_synced(names["web"])

        shown = {path: str(await shop.daemon.call("GET", f"/api/v1/{path.format(**names)}")) for path in OPERATORS}
        for path in ("readyz", "metrics"):
            async with shop.daemon.session.get(f"{shop.daemon.probes}/{path}") as answer:
                shown[path] = await answer.text()
        shown["log"] = shop.daemon.process.log

        assert "git.credentials[0]" in shop.daemon.process.events("settings.unsafe")[0]["what"]
        assert [] == [place for place, text in shown.items() if secret in text]
        assert "***@" in shown["readyz"]

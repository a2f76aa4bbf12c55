"""Rights through the daemon: a policy in a file, accounts and roles of projects; what projects inherit, in the pass."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import until
from tests.e2e.world import HERE, World, config_map, text

KEEP, OTHER = text(config_map("keep")), text(config_map("other"))
TWO = {"web/keep.yaml": KEEP, "bank/other.yaml": OTHER}
MARKER = "swordfish-4711"


def project(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}


EVERYWHERE: dict[str, Any] = {"sourceRepos": ["*"], "destinations": [{"server": "*", "name": "*", "namespace": "*"}]}


async def token_of(shop: World, path: str) -> str:
    return str((await shop.daemon.ok("POST", path, {}))["token"])


@ONCE
async def test_account_has_what_the_policy_says_and_a_new_policy_counts_at_once(own: Own, tmp_path: Path) -> None:
    policy = tmp_path / "policy.csv"
    policy.write_text("p, ci, applications, get, */*-web, allow\n")
    accounts = {"accounts.ci": "apiKey"}
    async with own(changes={"rbac": {"file": str(policy)}, "accounts": accounts}) as shop:
        repo = shop.repo(files=TWO)
        names = [shop.name("web"), shop.name("bank")]
        await shop.declare(shop.application("web", repo, "web"), shop.application("bank", repo, "bank"))
        for name in names:
            await shop.daemon.until_synced(name)
        policy.write_text(f"p, ci, applications, get, */{names[0]}, allow\n")
        shop.daemon.process.send(signal.SIGHUP)
        ci = await token_of(shop, "/api/v1/account/ci/token")

        async def listed() -> bool:
            _, answer = await shop.daemon.call("GET", "/api/v1/applications", token=ci)
            return [names[0]] == [item["metadata"]["name"] for item in answer["items"]]

        await until("the new policy counts", listed)
        sync = f"/api/v1/applications/{names[0]}/sync"
        assert 403 == (await shop.daemon.call("POST", sync, {}, token=ci))[0]
        assert 404 == (await shop.daemon.call("GET", f"/api/v1/applications/{names[1]}", token=ci))[0]

        policy.write_text("p, ci, applications, get, [, allow\n")
        shop.daemon.process.send(signal.SIGHUP)
        await until("the policy is refused", lambda: refused(shop))
        assert await listed()
        policy.write_text(
            f"p, ci, applications, {{get,sync}}, */{names[0]}, allow\n".replace("{get,sync}", '"{get,sync}"')
        )
        shop.daemon.process.send(signal.SIGHUP)

        async def permitted() -> bool:
            return 200 == (await shop.daemon.call("POST", sync, {}, token=ci))[0]

        await until("the right to sync counts", permitted)


async def refused(shop: World) -> bool:
    return bool(shop.daemon.process.events("settings.kept"))


@ONCE
async def test_token_of_a_project_s_role_does_what_the_role_may_in_that_project(own: Own) -> None:
    async with own() as shop:
        repo, team = shop.repo(files=TWO), shop.name("team")
        policy = f"p, proj:{team}:ci, applications, get, {team}/*, allow"
        roles = [{"name": "ci", "policies": [policy, f"p, proj:{team}:ci, applications, sync, {team}/*, allow"]}]
        await shop.declare(
            project(team, **EVERYWHERE, roles=roles),
            shop.application("web", repo, "web", project=team),
            shop.application("bank", repo, "bank"),
        )
        await shop.daemon.until_synced(shop.name("web"))
        ci = await token_of(shop, f"/api/v1/projects/{team}/roles/ci/token")

        _, answer = await shop.daemon.call("GET", "/api/v1/applications", token=ci)
        assert [shop.name("web")] == [item["metadata"]["name"] for item in answer["items"]]
        assert 200 == (await shop.daemon.call("GET", f"/api/v1/projects/{team}", token=ci))[0]
        assert 403 == (await shop.daemon.call("GET", "/api/v1/projects/default", token=ci))[0]
        assert 200 == (await shop.daemon.call("POST", f"/api/v1/applications/{shop.name('web')}/sync", {}, token=ci))[0]
        assert 403 == (await shop.daemon.call("DELETE", f"/api/v1/applications/{shop.name('web')}", token=ci))[0]
        assert 404 == (await shop.daemon.call("GET", f"/api/v1/applications/{shop.name('bank')}", token=ci))[0]


@ONCE
async def test_project_has_the_limits_of_its_global_project_in_every_pass(own: Own) -> None:
    inherited = [{"project_name": "base", "match_expressions": [{"key": "tier", "operator": "In", "values": ["prod"]}]}]
    async with own(changes={"global_projects": inherited}) as shop:
        repo, team = shop.repo(files={"keep.yaml": KEEP}), shop.name("team")
        web = shop.application("web", repo, project=team)
        await shop.declare(project("base"), project(team, {"tier": "prod"}, **EVERYWHERE), web)
        await shop.daemon.until_synced(shop.name("web"))
        await shop.daemon.until_app(shop.name("web"), lambda app: not app["status"].get("conditions"))

        await shop.declare(project("base", namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}]))

        await shop.daemon.until_condition(shop.name("web"), f"project {team} does not permit /ConfigMap")


@ONCE
async def test_project_of_its_own_clusters_goes_there_and_nowhere_else(own: Own) -> None:
    async with own() as shop:
        team, others = shop.name("team"), shop.name("others")
        clusters = shop.daemon.process.settings["clusters"]
        next(cluster for cluster in clusters if cluster["name"] == HERE)["project"] = team
        shop.daemon.process.stop()
        shop.daemon.process.start()
        await shop.daemon.ready()
        repo = shop.repo(files=TWO)
        await shop.declare(
            project(team, sourceRepos=["*"], permitOnlyProjectScopedClusters=True),
            project(others, **EVERYWHERE, permitOnlyProjectScopedClusters=True),
            shop.application("web", repo, "web", project=team),
            shop.application("bank", repo, "bank", project=others),
        )

        await shop.until_live("keep", {})
        await shop.daemon.until_synced(shop.name("web"))
        await shop.daemon.until_condition(shop.name("bank"), f"project {others} does not permit namespace")


@ONCE
async def test_no_value_of_a_secret_leaves_by_any_path(own: Own) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"password": MARKER}}
    async with own(
        changes={"git": {"credentials": [{"url": "https://git.example/", "password": {"env": "SECRET"}}]}},
        environ={"SECRET": MARKER},
    ) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), secret)})
        await shop.declare(shop.application("web", repo, policy={"automated": {}}))
        name = shop.name("web")
        await shop.daemon.until_synced(name)
        patch = {"stringData": {"password": f"{MARKER}-2"}}
        (await shop.here.patch(shop.path("key", "secrets"), patch, fieldManager="other")).ok()
        one = f"/api/v1/applications/{name}"
        paths = [
            "/api/v1/applications", one, *(f"{one}/{part}" for part in PARTS), "/api/v1/clusters", "/api/v1/projects",
            "/api/v1/repositories", "/api/v1/audit", "/api/v1/drift", "/api/v1/account", "/api/v1/session/userinfo",
        ]  # fmt: skip
        shown = {path: str(await shop.daemon.ok("GET", path)) for path in paths}
        shown["log"] = shop.daemon.process.log

    assert [] == [path for path, said in shown.items() if MARKER in said or "c3dvcmRmaXNoLTQ3MTE" in said]


PARTS = ("manifests", "managed-resources", "resource-tree", "syncs")

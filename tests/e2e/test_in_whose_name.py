"""Syncs in the name of a project's service account, and what is kept on a namespace, on both servers."""

from __future__ import annotations

from tests.e2e.daemon import Json, until
from tests.e2e.in_whose_name import deployer, project
from tests.e2e.world import World, config_map, text


async def test_rights_of_the_projects_account_are_those_of_its_repositories(shop: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "1"}}
    files = {"may/a.yaml": text(config_map("a", v="1")), "not/a.yaml": text(config_map("b", v="1"), secret)}
    repo = shop.repo(files={**files, "gone/a.yaml": text(config_map("c", v="1"))})
    team: Json = {"project": shop.name("team")}
    away = {**shop.application("away", repo, "gone", cluster="there", **team)}
    await deployer(shop)

    await shop.declare(
        project(shop), shop.application("may", repo, "may", **team), shop.application("not", repo, "not", **team), away
    )

    await shop.daemon.until_synced(shop.name("may"))
    failed = await shop.daemon.until_app(
        shop.name("not"), lambda app: app["status"].get("operationState", {}).get("phase") == "Failed"
    )
    told = failed["status"]["operationState"]["message"]
    assert f'User "system:serviceaccount:{shop.namespace}:deployer" cannot' in told
    assert "grant that user the right" in told
    assert await shop.live("b") is None, "nothing is written where one object may not be"
    await shop.daemon.until_condition(shop.name("away"), "names no service account")
    assert 404 == (await shop.there.get(shop.path("c"))).status


async def test_what_is_said_of_the_namespace_is_kept_on_it_and_what_others_say_stays(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = f"{shop.namespace}-told"
    metadata = {"labels": {"team": "shop"}, "annotations": {"example.com/owner": "ann"}}
    options = {"syncOptions": ["CreateNamespace=true"], "managedNamespaceMetadata": metadata}
    policy = {"automated": {"prune": True, "selfHeal": True}, **options}
    await shop.declare(shop.application("web", repo, namespace=name, policy=policy))
    await shop.daemon.until_synced(shop.name("web"))
    path = f"/api/v1/namespaces/{name}"
    (await shop.here.patch(path, {"metadata": {"labels": {"team": "theirs", "other": "1"}}}, fieldManager="x")).ok()

    await shop.push(repo, {"a.yaml": text(config_map("a", v="2"))})

    async def put_back() -> Json | None:
        found = (await shop.here.get(path)).ok()["metadata"]
        labels = found["labels"]
        return found if (labels["team"], labels["other"]) == ("shop", "1") else None

    try:
        kept = await until("the namespace says what it is to", put_back)
        assert "ann" == kept["annotations"]["example.com/owner"]
        managers = {entry["manager"] for entry in kept["managedFields"] if "f:team" in str(entry["fieldsV1"])}
        assert {f"gitopsd-namespace-{shop.name('web')}"} == managers
    finally:
        await shop.forget()
        await shop.here.delete(path)

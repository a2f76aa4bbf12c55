"""Kinds that come with the commit, namespaces that are not there yet, kinds nobody knows."""

from __future__ import annotations

from tests.e2e.daemon import Json, resource, until
from tests.e2e.kinds import boat, definition
from tests.e2e.world import World, config_map, text

POLICY = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}


async def test_definition_and_object_in_one_commit(shop: World) -> None:
    group = f"{shop.id}.example.com"
    repo = shop.repo(files={"all.yaml": text(boat(group, 1), definition(group), config_map("web", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    assert {"size": 1} == (await shop.live("ann", "boats", f"/apis/{group}/v1") or {})["spec"]

    await shop.push(repo, {"all.yaml": text(boat(group, 2), definition(group), config_map("web", v="1"))})

    async def grown() -> bool:
        live = await shop.live("ann", "boats", f"/apis/{group}/v1")
        return live is not None and live["spec"] == {"size": 2}

    await until("the boat has grown", grown)
    (await shop.here.delete(shop.path("ann", "boats", f"/apis/{group}/v1"))).ok()
    await until("the boat is back", lambda: shop.live("ann", "boats", f"/apis/{group}/v1"))
    await shop.push(repo, {"all.yaml": text(config_map("web", v="1"))})
    await until("the definition is gone", lambda: _gone(shop, group))


async def _gone(shop: World, group: str) -> bool:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.{group}"
    return (await shop.here.get(path)).status == 404


async def test_namespace_is_created_where_asked_for(shop: World) -> None:
    name = f"{shop.namespace}-new"
    repo = shop.repo(files={"web.yaml": text(config_map("web", v="1"))})
    await shop.declare(shop.application("web", repo, namespace=name, policy=POLICY))
    try:
        await shop.daemon.until_synced(shop.name("web"))
        assert {"v": "1"} == (await shop.here.get(f"/api/v1/namespaces/{name}/configmaps/web")).ok()["data"]
    finally:
        await shop.forget()
        await shop.here.delete(f"/api/v1/namespaces/{name}")


async def test_missing_namespace_is_told_with_its_remedy(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", v="1"))})
    await shop.declare(shop.application("web", repo, namespace=f"{shop.namespace}-none"))

    def failed(app: Json) -> bool:
        return bool(app["status"].get("operationState", {}).get("phase") == "Failed")

    seen = await shop.daemon.until_app(shop.name("web"), failed)
    assert "CreateNamespace" in seen["status"]["operationState"]["message"]


UNSERVED = {"syncOptions": ["SkipDryRunOnMissingResource=true"]}  # else nothing is written before all of it can be


async def test_kind_that_nobody_serves_holds_up_what_comes_with_it(shop: World) -> None:
    repo = shop.repo(files={"all.yaml": text(boat("nowhere.example.com", 1), config_map("web", v="1"))})
    await shop.declare(shop.application("web", repo))

    def told(app: Json) -> bool:
        return "nothing was written" in str(app["status"].get("operationState"))

    await shop.daemon.until_app(shop.name("web"), told)
    assert await shop.live("web") is None


async def test_kind_that_nobody_serves_is_named_and_its_neighbours_are_applied(shop: World) -> None:
    unknown = boat("nowhere.example.com", 1)
    repo = shop.repo(files={"all.yaml": text(unknown, config_map("web", v="1"))})
    await shop.declare(shop.application("web", repo, policy={**POLICY, **UNSERVED}))

    def told(app: Json) -> bool:
        return "does not serve" in resource(app, "Boat", "ann").get("reason", "")

    await shop.until_live("web", {"v": "1"})
    seen = await shop.daemon.until_app(shop.name("web"), told)
    assert "Missing" == resource(seen, "Boat", "ann")["health"]["status"]
    assert "nowhere.example.com" in str(seen["status"]["operationState"])


async def test_kind_that_is_served_later_is_applied_then(shop: World) -> None:
    group = f"late-{shop.id}.example.com"
    repo = shop.repo(files={"all.yaml": text(boat(group, 1), config_map("web", v="1"))})
    policy = {**POLICY, **UNSERVED, "retry": {"limit": -1, "backoff": {"duration": "1s", "maxDuration": "1s"}}}
    await shop.declare(shop.application("web", repo, policy=policy))
    await shop.until_live("web", {"v": "1"})

    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    (await shop.here.post(definitions, definition(group))).ok()
    try:
        await shop.daemon.until_synced(shop.name("web"))
        assert {"size": 1} == (await shop.live("ann", "boats", f"/apis/{group}/v1") or {})["spec"]
    finally:
        await shop.here.delete(f"{definitions}/boats.{group}")


async def test_rules_of_an_aggregated_role_stay_their_controllers(shop: World) -> None:
    names = [f"aggregated-{shop.id}", f"part-{shop.id}"]
    meta = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    marks = {"aggregate-to": names[0]}
    whole = {
        **meta,
        "metadata": {"name": names[0]},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": marks}]},
        "rules": [],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{names[0]}"
    repo = shop.repo(
        files={"all.yaml": text(whole, {**meta, "metadata": {"name": names[1], "labels": marks}, "rules": rules})}
    )
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    # The controller of a real control plane has gathered them by now, or does so; else this does as it would.
    patch = {"rules": rules}
    (await shop.here.patch(path, patch, fieldManager="clusterrole-aggregation-controller")).ok()

    (await shop.here.patch(path, {"metadata": {"annotations": None}}, fieldManager="somebody")).ok()
    await shop.daemon.until_synced(shop.name("web"))

    async def tracked() -> bool:
        return "gitopsd.io/tracking-id" in (await shop.here.get(path)).ok()["metadata"].get("annotations", {})

    await until("the tracking id is healed", tracked)
    assert rules == (await shop.here.get(path)).ok()["rules"]

"""A live object that is in its own way: mended where that takes nothing from anybody, else alone in failing."""

from __future__ import annotations

import copy

from tests.e2e.daemon import Json, resource, until
from tests.e2e.world import World, config_map, text

DEPLOYMENTS = "/apis/apps/v1"
LABELS = {"app": "web"}


def deployment(container: str = "web", **spec: object) -> Json:
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": container, "image": "web:1"}]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": pod, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


async def live(shop: World) -> Json:
    return (await shop.live("web", "deployments", DEPLOYMENTS)) or {}


async def test_what_git_cannot_stand_beside_goes_by_commit_and_by_heal(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(deployment())})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    commit = await shop.push(repo, {"web.yaml": text(deployment(strategy={"type": "Recreate"}))})
    await shop.daemon.until_synced(shop.name("web"), commit)

    assert {"type": "Recreate"} == (await live(shop))["spec"]["strategy"]
    found = copy.deepcopy(await live(shop))
    found["spec"]["strategy"] = {"type": "RollingUpdate"}
    path = shop.path("web", "deployments", DEPLOYMENTS)
    patch = {"spec": {"strategy": {"type": "RollingUpdate"}}}
    (await shop.here.patch(path, patch, fieldManager="kubectl-edit")).ok()

    async def healed() -> bool:
        return bool((await live(shop))["spec"]["strategy"] == {"type": "Recreate"})

    await until("the strategy is healed", healed)


async def test_an_object_that_fails_for_its_live_state_holds_up_no_other(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(deployment()), "other.yaml": text(config_map("other", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    tuned = deployment()
    tuned["spec"] = {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "X", "value": "1"}]}]}}}
    (await shop.here.apply(shop.path("web", "deployments", DEPLOYMENTS), tuned, manager="tuner")).ok()

    await shop.push(repo, {"web.yaml": text(deployment("app")), "other.yaml": text(config_map("other", v="2"))})
    await shop.until_live("other", {"v": "2"})
    await shop.push(repo, {"other.yaml": text(config_map("other", v="3"))})
    await shop.until_live("other", {"v": "3"})

    def told(app: Json) -> bool:
        state = app["status"].get("operationState", {})
        failed = state.get("phase") == "Failed" and "containers[name=web] is held by tuner" in state["message"]
        return bool(failed and resource(app, "ConfigMap", "other")["status"] == "Synced")

    seen = await shop.daemon.until_app(shop.name("web"), told)
    assert "is held by tuner" in resource(seen, "Deployment", "web")["reason"]

"""Health in a daemon that runs: users' checks beside the watches, and the tree of what controllers made."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Own
from tests.e2e.daemon import Json, resource, until
from tests.e2e.world import THERE, World, config_map, text

CHECKS = [
    {"group_kind": "ConfigMap", "lua": "return {status = obj.data.does, message = 'says ' .. obj.metadata.name}"},
    {"group_kind": "Secret", "lua": "while true do end"},
]
NO_HEAL: Json = {"automated": {"prune": True}}


def health(app: Json, kind: str, name: str) -> tuple[str, str]:
    told = resource(app, kind, name).get("health", {})
    return told.get("status", ""), told.get("message", "")


async def test_check_of_the_settings_judges_its_kind_and_harms_no_other(own: Own) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}, "stringData": {"a": "1"}}
    changes = {"health": {"customizations": CHECKS}, "scripts": {"deadline_s": 0.3}}
    async with own(changes=changes) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("good", does="Healthy"), secret)})
        await shop.declare(shop.application("web", repo, policy=NO_HEAL))

        def judged(app: Json) -> bool:
            return ("Healthy", "says good") == health(app, "ConfigMap", "good") and "Unknown" == health(
                app, "Secret", "one"
            )[0]

        app = await shop.daemon.until_app(shop.name("web"), judged, what="both are judged")
        assert "took more than 0.3 s and was killed" in health(app, "Secret", "one")[1]

        await shop.edit("good", {"does": "Degraded"})
        await shop.daemon.until_app(
            shop.name("web"), lambda app: health(app, "ConfigMap", "good")[0] == "Degraded", what="it is Degraded"
        )


def deployment() -> Json:
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "example/web:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


async def test_tree_shows_what_controllers_made_and_where_traffic_goes(shop: World) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    repo = shop.repo(files={"a.yaml": text(deployment(), service)})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, cluster=THERE))

    async def grown() -> list[Any] | None:
        nodes: list[Any] = (await shop.daemon.ok("GET", f"/api/v1/applications/{name}/resource-tree"))["nodes"]
        kinds = ["Deployment", "Service", "ReplicaSet", "Pod", "Pod"]
        return sorted(nodes, key=lambda node: kinds.index(node["kind"])) if len(nodes) == len(kinds) else None

    _, front, replicas, *pods = await until("the tree is whole", grown)
    assert ["Deployment"] == [parent["kind"] for parent in replicas["parentRefs"]]
    for pod in pods:
        assert replicas["uid"] == pod["parentRefs"][0]["uid"]
        assert ["example/web:1"] == pod["images"]
    assert {"app": "web"} == front["networkingInfo"]["targetLabels"]
    assert {pod["name"] for pod in pods} == {to["name"] for to in front["networkingInfo"]["targetRefs"]}

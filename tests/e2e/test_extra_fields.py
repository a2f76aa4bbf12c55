"""Live has more than Git: counted and shown, and taken away where that is asked for."""

from __future__ import annotations

from tests.e2e.daemon import Json, resource, sync_status
from tests.e2e.world import World, config_map, text

EXTRA = "gitopsd.io/extra-fields"


async def shown(shop: World, app: str) -> list[tuple[str, str]]:
    answer = await shop.daemon.ok("GET", f"/api/v1/applications/{app}/managed-resources")
    return [(each["path"], each["writers"][0]["manager"]) for item in answer["items"] for each in item["extra"]]


async def test_what_a_person_added_is_shown_and_goes_when_that_is_asked_for(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", ours="1"))})
    declared = shop.application("web", repo)
    await shop.declare(declared)
    name = shop.name("web")
    await shop.daemon.until_synced(name)
    await shop.edit("web", {"theirs": "1"})
    await shop.edit("web", {"made": "1"}, manager="some-controller")

    declared["metadata"]["annotations"] = {EXTRA: "show"}
    await shop.declare(declared)

    def counted(app: Json) -> bool:
        return bool(resource(app, "ConfigMap", "web").get("extra") == 1)

    seen = await shop.daemon.until_app(name, counted)
    assert ("Synced", 1) == (sync_status(seen), seen["status"]["gitopsd"]["extra"])
    assert [(".data.theirs", "kubectl-edit")] == await shown(shop, name)
    tree = await shop.daemon.ok("GET", f"/api/v1/applications/{name}/resource-tree")
    assert [1] == [node["extra"] for node in tree["nodes"] if node["name"] == "web"]
    assert {"ours": "1", "theirs": "1", "made": "1"} == (await shop.live("web") or {})["data"]

    declared["metadata"]["annotations"] = {EXTRA: "heal"}
    await shop.declare(declared)
    await shop.until_live("web", {"ours": "1", "made": "1"})
    await shop.daemon.until_synced(name)

    await shop.edit("web", {"theirs": "2"})
    await shop.until_live("web", {"ours": "1", "made": "1"})

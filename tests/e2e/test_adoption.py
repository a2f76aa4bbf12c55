"""What another tool has applied before us: it is told beforehand what goes as gitopsd takes it over."""

from __future__ import annotations

import json

from tests.e2e.daemon import Json, resource, sync_status
from tests.e2e.world import BY_HAND, World, config_map, text


async def kubectls(shop: World, name: str, **data: str) -> None:
    """Make an object as `kubectl apply` of old has made it."""
    query = {"fieldManager": "kubectl-client-side-apply"}
    (await shop.here.post(shop.path("").rstrip("/"), config_map(name, **data), **query)).ok()


async def managed(shop: World, app: str) -> dict[str, Json]:
    answer = await shop.daemon.ok("GET", f"/api/v1/applications/{app}/managed-resources")
    return {item["name"]: item for item in answer["items"]}


async def test_what_a_takeover_removes_is_told_before_anything_is_written(shop: World) -> None:
    await kubectls(shop, "left", ours="1", left="1")
    await kubectls(shop, "same", ours="1")
    files = {f"{name}.yaml": text(config_map(name, ours="1")) for name in ("left", "same")}
    await shop.declare(shop.application("web", shop.repo(files=files), policy=BY_HAND))
    name = shop.name("web")

    seen = await shop.daemon.refreshed(name)
    items = await managed(shop, name)
    tried = await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {"dryRun": True})

    assert "OutOfSync" == sync_status(seen)
    left, same = resource(seen, "ConfigMap", "left"), resource(seen, "ConfigMap", "same")
    assert ("OutOfSync", True) == (left["status"], left["adopt"])
    assert ("Synced", True) == (same["status"], same["adopt"])
    told = [(each["path"], each["live"], each["predicted"], each["why"]) for each in items["left"]["differences"]]
    assert [(".data.left", "1", "(absent)", "TakenOver")] == told
    assert "kubectl-client-side-apply" == items["left"]["differences"][0]["writers"][0]["manager"]
    assert {"ours": "1"} == json.loads(items["left"]["predictedLiveState"])["data"]
    assert tried
    assert {"ours": "1", "left": "1"} == (await shop.live("left") or {})["data"]

    await shop.daemon.until_app(name, lambda app: app["status"].get("operationState", {}).get("finishedAt"))
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {})
    await shop.until_live("left", {"ours": "1"})
    after = await shop.daemon.until_synced(name)
    assert not any(each.get("adopt") for each in after["status"]["resources"])

"""What somebody changes in a cluster is put right, and what is not ours is left alone."""

from __future__ import annotations

from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.world import World, config_map, text


async def test_edit_is_healed(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    for _ in range(2):
        await shop.edit("web", {"color": "green"})
        await shop.until_live("web", {"color": "red"})

    seen = await shop.daemon.until_synced(shop.name("web"))
    assert 1 == len({entry["revision"] for entry in seen["status"]["history"]})


async def ledger(shop: World, name: str) -> list[Json]:
    found: list[Json] = (await shop.daemon.ok("GET", f"/api/v1/drift?application={shop.name(name)}"))["items"]
    return found


async def test_what_drifts_is_written_down_with_its_writer_and_its_end(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    heals = await shop.daemon.metric("gitopsd_drift_heal_seconds_count", cluster="here")

    await shop.edit("web", {"color": "green"})

    async def healed() -> Json | None:
        found = await ledger(shop, "web")
        return found[0] if found and found[0]["end"] else None

    entry = await until("the drift is over", healed)
    assert (".data.color", "red", "green") == (entry["path"], entry["old"], entry["new"])
    assert ("kubectl-edit", "human", "healed") == (entry["writer"], entry["class"], entry["end"])
    assert heals + 1 == await shop.daemon.metric("gitopsd_drift_heal_seconds_count", cluster="here")
    assert 1 == len(await ledger(shop, "web"))
    history = await shop.daemon.app(shop.name("web"))
    assert history is not None
    assert entry["operation"] == history["status"]["gitopsd"]["operationId"]


async def test_deleted_object_comes_back(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    old = await shop.until_live("web", {"color": "red"})
    await shop.daemon.until_synced(shop.name("web"))

    (await shop.here.delete(shop.path("web"))).ok()

    new = await shop.until_live("web", {"color": "red"})
    assert old["metadata"]["uid"] != new["metadata"]["uid"]


async def test_what_others_own_stays(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.edit("web", {"size": "xl"})
    (await shop.here.patch(shop.path("web"), {"metadata": {"labels": {"team": "a"}}}, fieldManager="other")).ok()
    seen = await shop.daemon.refreshed(shop.name("web"))

    assert "Synced" == sync_status(seen)
    live = await shop.until_live("web", {"color": "red", "size": "xl"})
    assert {"team": "a"} == live["metadata"]["labels"]
    assert 1 == len(seen["status"]["history"])


async def test_drift_is_shown_and_left_where_self_heal_is_off(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo, policy={"automated": {"prune": True}}))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.edit("web", {"color": "green"})

    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    await shop.daemon.refreshed(shop.name("web"))
    await shop.until_live("web", {"color": "green"})
    await shop.push(repo, {"web.yaml": text(config_map("web", color="blue"))})
    await shop.until_live("web", {"color": "blue"})


async def test_lost_tracking_id_and_taken_ownership_are_put_back(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    before = (await shop.live("web") or {})["metadata"]["annotations"]

    patch = {"metadata": {"annotations": None}}
    (await shop.here.patch(shop.path("web"), patch, fieldManager="other")).ok()

    async def back() -> bool:
        live = await shop.live("web")
        return live is not None and live["metadata"].get("annotations") == before

    await until("the tracking id is back", back)
    # Another manager's forced apply of the same value takes no ownership away; of another one it does.
    other = config_map("web", shop.namespace, color="green")
    (await shop.here.apply(shop.path("web"), other, manager="other", force="true")).ok()
    await shop.until_live("web", {"color": "red"})
    await shop.daemon.until_synced(shop.name("web"))

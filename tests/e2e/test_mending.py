"""What is deleted or edited while a sync waits for something else is set right meanwhile, on both servers."""

from __future__ import annotations

from tests.contract.kubernetes.objects import deployment
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.world import World, config_map, text

HELD = "example.com/held"
APPS = "/apis/apps/v1"
MANY = 100


def message(app: Json) -> str:
    return str(app["status"].get("operationState", {}).get("message"))


async def test_object_that_a_wave_waits_for_is_applied_again_and_others_are_healed(shop: World) -> None:
    never_ready = deployment("web", "broken:1")  # no kubelet runs it, and the simulated one fails
    late = config_map("late", v="1")
    late["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "1"}
    repo = shop.repo(files={"all.yaml": text(never_ready, late, config_map("beside", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_app(
        shop.name("web"), lambda app: "Deployment" in message(app), what="it waits for the wave"
    )
    before = (await shop.live("web", "deployments", APPS) or {})["metadata"]["uid"]

    (await shop.here.delete(shop.path("web", "deployments", APPS))).ok()
    await shop.edit("beside", {"v": "edited"})

    async def is_there_again() -> bool:
        live = await shop.live("web", "deployments", APPS)
        return live is not None and live["metadata"]["uid"] != before and "deletionTimestamp" not in live["metadata"]

    await until("the Deployment is there again", is_there_again)
    await shop.until_live("beside", {"v": "1"})
    seen = await shop.daemon.app(shop.name("web")) or {}
    assert ("Running", None) == (seen["status"]["operationState"]["phase"], await shop.live("late"))


async def test_drift_is_healed_while_a_prune_waits_for_a_finalizer(shop: World) -> None:
    old = config_map("old", v="1")
    old["metadata"]["finalizers"] = [HELD]
    repo = shop.repo(files={"old.yaml": text(old), "x.yaml": text(config_map("x", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    await shop.push(repo, {"old.yaml": None})
    await shop.daemon.until_app(shop.name("web"), lambda app: HELD in message(app), what="the prune waits")

    await shop.edit("x", {"v": "edited"})
    await shop.until_live("x", {"v": "1"})
    assert "Running" == (await shop.daemon.app(shop.name("web")) or {})["status"]["operationState"]["phase"]
    (await shop.here.patch(shop.path("old"), {"metadata": {"finalizers": None}})).ok()

    await shop.until_gone("old")
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "Synced")


async def test_what_is_deleted_one_after_the_other_is_healed_without_a_growing_rest(shop: World) -> None:
    files = {f"x{place}.yaml": text(config_map(f"x{place}", v="1")) for place in range(MANY)}
    repo = shop.repo(files=files)
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    for place in range(MANY):
        (await shop.here.delete(shop.path(f"x{place}"))).ok()

    for place in range(MANY):
        await shop.until_live(f"x{place}", {"v": "1"})

"""What is too old to go by is shown as stale, and as it is once it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.clusters import Cluster
from tests.e2e.bad_cluster import behind_a_proxy
from tests.e2e.beat import beating
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.world import World, config_map, text

BOUND_S = 3.0  # three polls; none is more often than once a second
NO_HEAL: Json = {"automated": {"prune": True}}


def stale(app: Json) -> list[str]:
    found: list[str] = app.get("status", {}).get("gitopsd", {}).get("stale", [])
    return found


@ONCE
async def test_stalled_cluster_and_lost_repository_turn_stale_and_back(own: Own, pair: Mapping[str, Cluster]) -> None:
    fresh = {"freshness": {"epoch_s": BOUND_S, "watch_s": BOUND_S}, "git": {"poll_s": BOUND_S / 3}}
    async with behind_a_proxy(own, pair, fresh) as (shop, between), beating(shop, BOUND_S / 15):
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        name = shop.name("web")
        tree = f"/api/v1/applications/{name}/resource-tree"
        await shop.declare(shop.application("web", repo, policy=NO_HEAL))
        await shop.daemon.until_app(name, lambda app: sync_status(app) == "Synced" and not stale(app), what="Synced")
        await counted(shop, "argocd_app_info", sync_status="Synced")

        between.stall()
        away = repo.path.rename(repo.path.with_suffix(".away"))
        seen = await shop.daemon.until_app(name, lambda app: len(stale(app)) == 2, what="both are stale")

        assert ["could not be fetched" in stale(seen)[0], "ConfigMap" in stale(seen)[1]] == [True, True]
        assert "Unknown" == sync_status(seen)
        await counted(shop, "argocd_app_info", sync_status="Unknown")
        await counted(shop, "argocd_app_condition", condition="StaleWarning")
        assert stale(seen) == (await shop.daemon.ok("GET", tree))["gitopsd"]["stale"]

        away.rename(repo.path)
        await between.restore()
        await shop.daemon.until_app(
            name, lambda app: sync_status(app) == "Synced" and not stale(app), what="fresh again"
        )

        async def fresh_tree() -> bool:
            return "stale" not in (await shop.daemon.ok("GET", tree))["gitopsd"]

        await until("the tree is fresh again", fresh_tree)
        await counted(shop, "argocd_app_condition", 0, condition="StaleWarning")


async def counted(shop: World, metric: str, value: float = 1, **labels: str) -> None:
    """Wait until a metric of the application has this value: on a busy machine it may turn stale for a moment."""

    async def probe() -> bool:
        return await shop.daemon.metric(metric, name=shop.name("web"), **labels) == value

    await until(f"{metric} of {labels} is {value}", probe)


@ONCE
async def test_two_writers_of_one_field_are_named_and_the_rest_is_healed(own: Own) -> None:
    async with own(changes={"drift": {"fight_turns": 2}, "sync": {"heal_wait_s": 0.1}}) as shop:
        repo = shop.repo(files={"web.yaml": text(config_map("web", color="red", size="s"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))

        async def fought() -> str | None:
            live = await shop.live("web") or {}
            if live["data"]["color"] == "red":
                await shop.edit("web", {"color": "green"}, manager="rival")
            app = await shop.daemon.app(shop.name("web")) or {}
            return next((told for told in _messages(app) if "rival" in told), None)

        told = await until("both writers are named", fought)
        assert all(word in told for word in ("gitopsd", "rival", ".data.color"))

        await shop.edit("web", {"size": "xl"})
        await shop.until_live("web", {"color": "green", "size": "s"})
        assert "OutOfSync" == sync_status(await shop.daemon.refreshed(shop.name("web")))


def _messages(app: Json) -> list[str]:
    conditions: list[dict[str, Any]] = app.get("status", {}).get("conditions", [])
    return [str(each.get("message")) for each in conditions]

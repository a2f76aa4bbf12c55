"""Charts of an HTTP chart repository through the daemon, to live: what is there, and what is not."""

from __future__ import annotations

from tests.chartserver import chart_server
from tests.e2e.conftest import ONCE
from tests.e2e.daemon import Json, until
from tests.e2e.world import World
from tests.manifests.charting import chart_yaml


def chart(shop: World, name: str, url: str, version: str) -> Json:
    declared = shop.application(name, url)
    helm = {"releaseName": "of-chart", "parameters": [{"name": "x", "value": "1"}]}
    declared["spec"]["source"] = {"repoURL": url, "chart": "web", "targetRevision": version, "helm": helm}
    return declared


@ONCE
async def test_chart_of_a_repository_comes_to_live_and_follows_its_range(shop: World) -> None:
    async with chart_server() as charts:
        digest = charts.add("web", "1.0.0")
        await shop.declare(chart(shop, "web", charts.url, "1.*"))
        seen = await shop.daemon.until_synced(shop.name("web"))
        found = await shop.live("of-chart")
        assert found is not None
        assert ('"1.0.0"', f"1.0.0@{digest}") == (found["data"]["text"], seen["status"]["sync"]["revision"])

        charts.add("web", "1.1.0")
        await shop.daemon.refreshed(shop.name("web"))

        async def newer() -> bool:
            live = await shop.live("of-chart")
            return live is not None and live["data"]["text"] == '"1.1.0"'

        await until("the newer version is live", newer)

        await shop.declare(chart(shop, "web", charts.url, "7.*"))
        told = await shop.daemon.until_app(
            shop.name("web"),
            lambda app: "has no '7.*' of the chart web" in str(app["status"].get("conditions")),
            what="it says that there is no such version",
        )
        assert "ComparisonError" in str(told["status"]["conditions"])
        assert await shop.live("of-chart") is not None


@ONCE
async def test_chart_in_git_is_synced_with_the_chart_that_its_lock_names(shop: World) -> None:
    async with chart_server() as charts:
        charts.add("web", "1.0.0")
        charts.add("web", "1.1.0")
        needs = [{"name": "web", "version": "^1.0.0", "repository": charts.url}]
        lock = f"dependencies: [{{name: web, version: 1.0.0, repository: '{charts.url}'}}]\n"
        repo = shop.repo(files={"app/Chart.yaml": chart_yaml("own", dependencies=needs), "app/Chart.lock": lock})
        declared = shop.application("own", repo, "app")
        del declared["spec"]["source"]["directory"]
        declared["spec"]["source"]["helm"] = {"releaseName": "of-own"}
        await shop.declare(declared)
        await shop.daemon.until_synced(shop.name("own"))
        found = await shop.live("of-own")
        assert found is not None
        assert '"1.0.0"' == found["data"]["text"]

        await shop.push(repo, {"app/Chart.lock": lock.replace("1.0.0", "1.1.0")})

        async def newer() -> bool:
            live = await shop.live("of-own")
            return live is not None and live["data"]["text"] == '"1.1.0"'

        await until("the version of the new lock is live", newer)

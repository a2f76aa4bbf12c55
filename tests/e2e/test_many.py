"""Many applications in one repository: a commit costs what it touches."""

from __future__ import annotations

import os
import time

import yaml

from tests.e2e.conftest import Own
from tests.e2e.daemon import Json, until
from tests.e2e.world import HERE, THERE, World, config_map, text

COUNT = 1000 if os.environ.get("GITOPSD_SOAK") else 200


async def synced(shop: World, revision: str) -> bool:
    answer = await shop.daemon.ok("GET", "/api/v1/applications")
    found = [item["status"]["sync"] for item in answer["items"] if "status" in item]
    return len(found) == COUNT and all((each["status"], each.get("revision")) == ("Synced", revision) for each in found)


async def test_one_application_touched_of_many(own: Own) -> None:
    async with own() as shop:
        names = [f"app{place:04}" for place in range(COUNT)]
        repo = shop.repo(files={f"{name}/map.yaml": text(config_map(name, v="1")) for name in names})
        first = str(repo.git.references["refs/heads/main"].target)
        apps = [
            shop.application(name, repo, name, cluster=THERE if place % 10 == 9 else HERE)
            for place, name in enumerate(names)
        ]
        began_s = time.monotonic()
        shop.fleet.commit({"many.yaml": yaml.safe_dump_all(apps, sort_keys=False)})
        await shop.tell(shop.fleet)
        await until(f"all {COUNT} are synced", lambda: synced(shop, first), deadline_s=100)
        print(f"{COUNT} applications declared and synced in {time.monotonic() - began_s:.1f} s")  # noqa: T201 - a figure
        before, counted = await versions(shop), await counters(shop)

        touched = names[COUNT // 2]
        commit = await shop.push(repo, {f"{touched}/map.yaml": text(config_map(touched, v="2"))})
        await until("all have the commit", lambda: synced(shop, commit))
        await shop.until_live(touched, {"v": "2"})

        after, costs = await versions(shop), await counters(shop)
        assert {touched} == {name for name in before if before[name] != after[name]}
        walked = shop.daemon.process.events("epoch.walked")[-1]
        assert (1, COUNT - 1) == (walked["touched"], walked["moved"])
        spent = {name: costs[name] - counted[name] for name in costs}
        assert (1, 1) == (spent["renders"], spent["fetches"])
        assert 2 == spent["patches"]  # a dry run, and the write
        # The pass that applies, the one that sees the event of it, and the one that confirms.
        assert 1 <= spent["passes"] <= 4, spent


async def versions(shop: World) -> dict[str, str]:
    """Return the resourceVersion of every object of the test."""
    found: dict[str, str] = {}
    for api in (shop.here, shop.there):
        listed: Json = (await api.get(f"/api/v1/namespaces/{shop.namespace}/configmaps")).ok()
        found |= {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in listed["items"]}
    return {name: version for name, version in found.items() if name.startswith("app")}


async def counters(shop: World) -> dict[str, float]:
    metric = shop.daemon.metric
    return {
        "renders": await metric("gitopsd_renders_total"),
        "fetches": await metric("argocd_git_request_total"),
        "patches": await metric("gitopsd_api_requests_total", verb="PATCH"),
        "passes": await metric("gitopsd_passes_total"),
    }

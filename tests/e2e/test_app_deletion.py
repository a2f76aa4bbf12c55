"""Applications that go with their objects, in each way that declarations and options know, on both servers."""

from __future__ import annotations

from typing import Any

from tests.e2e.daemon import Json, until
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo

OPTIONS = "argocd.argoproj.io/sync-options"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
NEVER = "example.com/never"  # a finalizer that nobody removes but the test


def marked(name: str, *options: str) -> Json:
    made = config_map(name, v="1")
    made["metadata"]["annotations"] = {OPTIONS: ",".join(options)}
    return made


def going(shop: World, name: str, repo: Repo, way: str = "", **fields: Any) -> Json:
    """Return an application whose objects go with its declaration, by the finalizer's `way`."""
    made = shop.application(name, repo, name, **fields)
    made["metadata"]["finalizers"] = [f"{FINALIZER}{way}"]
    return made


async def with_child(shop: World, name: str) -> None:
    """Make a ConfigMap that the ConfigMap `name` owns, and that nothing deletes at once."""
    owner = (await shop.live(name) or {})["metadata"]
    child = config_map(f"{name}-child")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner["uid"], "blockOwnerDeletion": True}
    child["metadata"] |= {"ownerReferences": [ref], "finalizers": [NEVER]}
    (await shop.here.post(shop.path("").rstrip("/"), child)).ok()


async def is_deleted(shop: World, name: str) -> Json:
    """Wait until somebody has deleted an object that is held; return it."""

    async def probe() -> Json | None:
        live = await shop.live(name)
        return live if live is not None and "deletionTimestamp" in live["metadata"] else None

    found: Json = await until(f"{name} is deleted", probe)
    return found


async def test_every_way_for_an_application_to_go(shop: World) -> None:
    files = {f"{way}/all.yaml": text(config_map(way, v="1")) for way in ("foreground", "background", "left")}
    files["orphan/all.yaml"] = text(marked("orphan", "PrunePropagationPolicy=orphan"))
    files["kept/all.yaml"] = text(config_map("goes", v="1"), marked("kept", "Delete=false"))
    repo = shop.repo(files=files)
    apps = [
        going(shop, "foreground", repo, "/foreground"),
        going(shop, "background", repo, "/background"),
        going(shop, "orphan", repo),
        going(shop, "kept", repo),
        shop.application("left", repo, "left"),
    ]
    await shop.declare(*apps)
    for app in apps:
        await shop.daemon.until_synced(app["metadata"]["name"])
    for name in ("foreground", "background", "orphan"):
        await with_child(shop, name)

    await shop.undeclare(*apps)

    for name in ("background", "orphan", "kept", "left"):
        await shop.daemon.until_gone(shop.name(name))
    assert {"v": "1"} == (await shop.live("left") or {})["data"], "without its finalizer only the application goes"
    assert {"v": "1"} == (await shop.live("kept") or {})["data"]
    assert [None, None] == [await shop.live("orphan"), await shop.live("goes")]
    await is_deleted(shop, "background-child")
    await is_deleted(shop, "foreground-child")
    assert ["foregroundDeletion"] == (await is_deleted(shop, "foreground"))["metadata"]["finalizers"]
    assert await shop.daemon.app(shop.name("foreground")) is not None, "it waits for what its objects own"

    for name in ("foreground", "background"):
        (await shop.here.patch(shop.path(f"{name}-child"), {"metadata": {"finalizers": None}})).ok()
    await shop.daemon.until_gone(shop.name("foreground"))
    assert "deletionTimestamp" not in (await shop.live("orphan-child") or {})["metadata"]


async def test_deletion_that_a_person_is_to_confirm_waits_and_says_how(shop: World) -> None:
    repo = shop.repo(files={"web/all.yaml": text(marked("precious", "Delete=confirm"), config_map("goes", v="1"))})
    app = going(shop, "web", repo)
    name = app["metadata"]["name"]
    await shop.declare(app)
    await shop.daemon.until_synced(name)

    await shop.undeclare(app)
    await shop.until_gone("goes")
    waiting = await shop.daemon.until_app(name, lambda seen: "confirm-deletion" in message(seen))
    before = await shop.live("precious")
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/confirm-deletion", {})

    await shop.daemon.until_gone(name)
    assert waiting["metadata"]["deletionTimestamp"]
    assert before is not None
    assert await shop.live("precious") is None


def message(app: Json) -> str:
    return str(app["status"].get("operationState", {}).get("message"))

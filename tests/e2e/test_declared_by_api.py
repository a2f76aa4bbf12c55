"""An application that is declared by the API goes live, is changed, and gives way to Git."""

from __future__ import annotations

from tests.e2e.daemon import Json, until
from tests.e2e.world import World, config_map, text

APPS = "/api/v1/applications"


async def test_from_creation_to_a_declaration_in_git(shop: World) -> None:
    repo = shop.repo(files={"one/a.yaml": text(config_map("a", v="1")), "two/a.yaml": text(config_map("a", v="2"))})
    manifest = shop.application("made", repo, "one")
    name, daemon = shop.name("made"), shop.daemon
    created = await daemon.ok("POST", APPS, manifest)
    assert name == created["metadata"]["name"]
    await shop.until_live("a", {"v": "1"})

    spec: Json = {**manifest["spec"], "source": {**manifest["spec"]["source"], "path": "two"}}
    await daemon.ok("PUT", f"{APPS}/{name}/spec", spec)
    await shop.until_live("a", {"v": "2"})
    shown = await daemon.until_synced(name)
    assert shown["status"]["gitopsd"]["declaredByApi"]

    forbidden = {**spec, "project": "nobody"}
    assert 403 == (await daemon.call("PUT", f"{APPS}/{name}/spec", forbidden))[0]
    await shop.declare(manifest)

    async def of_git() -> bool:
        app = await daemon.app(name)
        return app is not None and not app["status"]["gitopsd"].get("declaredByApi")

    await until("Git goes before", of_git)
    status, body = await daemon.call("PUT", f"{APPS}/{name}/spec", spec)
    assert (400, "is declared in Git") == (status, body["message"].removeprefix(f"{name} "))
    await shop.until_live("a", {"v": "1"})

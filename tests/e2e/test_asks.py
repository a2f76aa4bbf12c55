"""What people ask over REST: sync, some objects, dry run, roll back, terminate, delete."""

from __future__ import annotations

from typing import Any

from tests.e2e.asks import STUCK, stuck_and_next
from tests.e2e.daemon import Json, resource, sync_status
from tests.e2e.world import BY_HAND, World, config_map, text
from tests.gitserver import Repo


async def by_hand(shop: World, repo: Repo, **spec: Any) -> str:
    """Declare an application that nobody but people sync; return its name."""
    await shop.declare(shop.application("web", repo, policy=BY_HAND, **spec))
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    return shop.name("web")


async def sync(shop: World, name: str, **body: Any) -> Json:
    """Ask for a sync and wait for its end."""
    before = (await shop.daemon.app(name) or {})["status"].get("gitopsd", {}).get("operationId")
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", body)
    return await over(shop, name, before)


async def over(shop: World, name: str, before: str | None) -> Json:
    """Wait until an operation other than `before` is over."""

    def ended(app: Json) -> bool:
        status = app["status"]
        phase = status.get("operationState", {}).get("phase", "Running")
        return status["gitopsd"].get("operationId") != before and phase not in ("Running", "Terminating")

    return await shop.daemon.until_app(name, ended, what="an operation is over")


async def test_nothing_happens_until_a_person_asks(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), config_map("b", v="1"))})
    name = await by_hand(shop, repo)
    assert await shop.live("a") is None

    seen = await sync(shop, name)

    assert "Succeeded" == seen["status"]["operationState"]["phase"]
    assert {"username": "admin"} == seen["status"]["operationState"]["operation"]["initiatedBy"]
    await shop.daemon.until_synced(name)
    assert {"v": "1"} == (await shop.live("b") or {})["data"]


async def test_only_the_named_objects_are_synced(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), config_map("b", v="1"))})
    name = await by_hand(shop, repo)

    await sync(shop, name, resources=[{"kind": "ConfigMap", "name": "a", "namespace": shop.namespace}])

    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    assert await shop.live("b") is None
    seen = await shop.daemon.refreshed(name)
    assert ("Synced", "OutOfSync") == tuple(resource(seen, "ConfigMap", each)["status"] for each in "ab")


async def test_dry_run_writes_nothing(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = await by_hand(shop, repo)

    seen = await sync(shop, name, dryRun=True)

    assert "dry run" in seen["status"]["operationState"]["message"]
    assert [] == seen["status"].get("history", [])
    assert await shop.live("a") is None


async def test_prune_is_asked_for(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1")), "b.yaml": text(config_map("b", v="1"))})
    name = await by_hand(shop, repo)
    await sync(shop, name)
    await shop.push(repo, {"b.yaml": None})
    await shop.daemon.until_app(name, lambda app: sync_status(app) == "OutOfSync")

    await sync(shop, name)
    assert await shop.live("b") is not None
    await sync(shop, name, prune=True)

    await shop.until_gone("b")
    await shop.daemon.until_synced(name)


async def test_roll_back_to_what_was_live(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    first = str(repo.git.references["refs/heads/main"].target)
    name = await by_hand(shop, repo)
    await sync(shop, name)
    second = await shop.push(repo, {"a.yaml": text(config_map("a", v="2")), "b.yaml": text(config_map("b", v="2"))})
    await shop.daemon.until_app(name, lambda app: sync_status(app) == "OutOfSync")
    seen = await sync(shop, name)
    assert [first, second] == [entry["revision"] for entry in seen["status"]["history"]]
    operation = seen["status"]["gitopsd"]["operationId"]

    body = {"id": seen["status"]["history"][0]["id"], "prune": True}
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/rollback", body)

    await over(shop, name, operation)
    await shop.until_live("a", {"v": "1"})
    await shop.until_gone("b")
    seen = await shop.daemon.until_app(name, lambda app: sync_status(app) == "OutOfSync")
    assert [first, second, first] == [entry["revision"] for entry in seen["status"]["history"]]


async def test_roll_back_is_refused_while_it_syncs_by_itself(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))
    seen = await shop.daemon.until_synced(shop.name("web"))

    body = {"id": seen["status"]["history"][0]["id"]}
    status, answer = await shop.daemon.call("POST", f"/api/v1/applications/{shop.name('web')}/rollback", body)

    assert 400 == status
    assert "by itself" in answer["message"]


async def test_sync_that_waits_is_terminated(shop: World) -> None:
    repo = shop.repo(files={"all.yaml": stuck_and_next()})
    name = await by_hand(shop, repo)
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {})

    def waits(app: Json) -> bool:
        state = app["status"].get("operationState", {})
        return state.get("phase") == "Running" and STUCK in state.get("message", "")

    running = await shop.daemon.until_app(name, waits)
    status, answer = await shop.daemon.call("POST", f"/api/v1/applications/{name}/sync", {})
    assert 400 == status, answer
    await shop.daemon.ok("DELETE", f"/api/v1/applications/{name}/operation")

    seen = await shop.daemon.until_app(name, lambda app: app["status"]["operationState"]["phase"] == "Failed")
    assert "Terminated" == seen["status"]["operationState"]["reason"]
    log = await shop.daemon.ok("GET", f"/api/v1/audit?application={name}")
    assert ["terminate", "sync"] == [entry["verb"] for entry in log["items"]]
    assert "terminated" in seen["status"]["operationState"]["message"]
    assert running["status"]["gitopsd"]["operationId"] == seen["status"]["gitopsd"]["operationId"]
    assert await shop.live(STUCK, "deployments", "/apis/apps/v1") is not None
    assert await shop.live("later") is None


async def test_newer_revision_takes_over_a_sync_that_waits(shop: World) -> None:
    repo = shop.repo(files={"all.yaml": stuck_and_next()})
    await shop.declare(shop.application("web", repo))
    name = shop.name("web")
    await shop.daemon.until_app(
        name, lambda app: STUCK in app["status"].get("operationState", {}).get("message", ""), what="it waits"
    )

    commit = await shop.push(repo, {"all.yaml": text(config_map("later", v="2"))})

    await shop.until_live("later", {"v": "2"})
    await shop.daemon.until_synced(name, commit)
    await shop.until_gone(STUCK, "deployments", "/apis/apps/v1")


async def test_delete_with_and_without_its_objects(shop: World) -> None:
    repo = shop.repo(files={"a/a.yaml": text(config_map("a", v="1")), "b/b.yaml": text(config_map("b", v="1"))})
    a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b")
    await shop.declare(a, b)
    await shop.daemon.until_synced(shop.name("a"))
    await shop.daemon.until_synced(shop.name("b"))

    await shop.daemon.ok("DELETE", f"/api/v1/applications/{shop.name('a')}?cascade=true")
    await shop.daemon.ok("DELETE", f"/api/v1/applications/{shop.name('b')}?cascade=false")

    await shop.daemon.until_gone(shop.name("a"))
    await shop.daemon.until_gone(shop.name("b"))
    assert await shop.live("a") is None
    assert {"v": "1"} == (await shop.live("b") or {})["data"]


async def test_manifests_and_states_are_shown_and_secrets_are_not(shop: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"password": "hunter22"}}
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), secret)})
    await shop.declare(shop.application("web", repo, policy={"automated": {}}))
    name = shop.name("web")
    await shop.daemon.until_synced(name)
    await shop.edit("a", {"v": "2"})
    patch = {"stringData": {"password": "swordfish"}}
    (await shop.here.patch(shop.path("key", "secrets"), patch, fieldManager="other")).ok()
    await shop.daemon.until_app(name, lambda app: resource(app, "Secret", "key").get("status") == "OutOfSync")

    shown = [
        await shop.daemon.ok("GET", f"/api/v1/applications/{name}/manifests"),
        await shop.daemon.ok("GET", f"/api/v1/applications/{name}/managed-resources"),
        await shop.daemon.app(name),
    ]

    assert "ConfigMap" in str(shown[0])
    states = {item["name"]: item for item in shown[1]["items"]}
    assert '"v":"2"' in states["a"]["liveState"].replace(" ", "")
    for value in ("hunter22", "swordfish", "aHVudGVyMjI", "c3dvcmRmaXNo"):
        assert value not in str(shown)
        assert value not in shop.daemon.process.log


async def test_nobody_gets_in_without_the_token(shop: World) -> None:
    for token in ("", "wrong"):
        assert 401 == (await shop.daemon.call("GET", "/api/v1/applications", token=token))[0]
        assert 401 == (await shop.daemon.call("POST", "/api/v1/applications/x/sync", {}, token=token))[0]

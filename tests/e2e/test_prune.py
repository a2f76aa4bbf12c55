"""What Git holds no longer goes, and nothing else does."""

from __future__ import annotations

from tests.contract.kubernetes.api import Watch
from tests.e2e.daemon import resource, sync_status
from tests.e2e.world import TRACKING, World, config_map, text

KEEP = text(config_map("keep", v="1"))


async def test_what_leaves_git_is_pruned(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP, "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    commit = await shop.push(repo, {"old.yaml": None})

    await shop.until_gone("old")
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert ["keep"] == [each["name"] for each in seen["status"]["resources"]]
    assert {"v": "1"} == (await shop.live("keep") or {})["data"]


async def test_without_prune_it_stays_and_is_shown(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP, "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo, policy={"automated": {"selfHeal": True}}))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.push(repo, {"old.yaml": None})

    seen = await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    assert resource(seen, "ConfigMap", "old")["requiresPruning"]
    assert await shop.live("old") is not None


async def test_object_without_its_tracking_annotation_is_pruned_all_the_same(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP, "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo, policy={"automated": {"prune": True}}))
    await shop.daemon.until_synced(shop.name("web"))
    marks = {"metadata": {"annotations": {TRACKING: None}}}
    (await shop.here.patch(shop.path("old"), marks, fieldManager="kubectl-annotate")).ok()
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")

    await shop.push(repo, {"old.yaml": None})

    await shop.until_gone("old")
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "Synced")


async def test_object_that_moves_between_applications_is_never_deleted(shop: World) -> None:
    moved = text(config_map("moved", v="1"))
    repo = shop.repo(files={"a/keep.yaml": KEEP, "a/m.yaml": moved, "b/b.yaml": text(config_map("b", v="1"))})
    a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b")
    await shop.declare(a, b)
    await shop.daemon.until_synced(shop.name("a"))
    await shop.daemon.until_synced(shop.name("b"))
    before = await shop.live("moved") or {}
    path = f"/api/v1/namespaces/{shop.namespace}/configmaps"
    async with shop.here.watch(path, resourceVersion=before["metadata"]["resourceVersion"]) as watch:
        for source, goal in (("a", "b"), ("b", "a"), ("a", "b")):
            commit = await shop.push(repo, {f"{source}/m.yaml": None, f"{goal}/m.yaml": moved})
            await shop.daemon.until_synced(shop.name("a"), commit)
            await shop.daemon.until_synced(shop.name("b"), commit)
        (await shop.here.post(path, config_map("end"))).ok()
        kinds = await _kinds_until_end(watch)

    after = await shop.live("moved") or {}
    assert before["metadata"]["uid"] == after["metadata"]["uid"]
    assert "DELETED" not in kinds
    assert shop.name("b") in after["metadata"]["annotations"]["gitopsd.io/tracking-id"]


async def _kinds_until_end(watch: Watch) -> list[str]:
    events = await watch.until(lambda _, found: found["metadata"]["name"] == "end")
    return [kind for kind, _ in events]


async def test_object_that_two_applications_want_is_applied_by_neither(shop: World) -> None:
    repo = shop.repo(
        files={
            "a/x.yaml": text(config_map("x", by="a")),
            "a/a.yaml": text(config_map("a", v="1")),
            "b/x.yaml": text(config_map("x", by="b")),
            "b/b.yaml": text(config_map("b", v="1")),
        }
    )
    await shop.declare(shop.application("a", repo, "a"))
    await shop.until_live("x", {"by": "a"})
    await shop.daemon.until_synced(shop.name("a"))
    await shop.declare(shop.application("b", repo, "b"))
    await shop.until_live("b", {"v": "1"})

    told = await shop.daemon.until_condition(shop.name("b"), "SharedResourceWarning", "ConfigMap", "x")
    assert shop.name("a") in told
    await shop.daemon.until_condition(shop.name("a"), "SharedResourceWarning", shop.name("b"))
    await shop.until_live("x", {"by": "a"})

    commit = await shop.push(repo, {"a/x.yaml": None})
    await shop.until_live("x", {"by": "b"})
    await shop.daemon.until_synced(shop.name("a"), commit)
    await shop.daemon.until_synced(shop.name("b"), commit)
    await shop.until_live("x", {"by": "b"})


async def test_empty_target_deletes_nothing_unless_it_is_allowed(shop: World) -> None:
    repo = shop.repo(files={"web/keep.yaml": KEEP, "README.md": "x"})
    app = shop.application("web", repo, "web")
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))

    await shop.push(repo, {"web/keep.yaml": None, "web/README.md": "nothing here"})

    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")
    assert "allowEmpty" in str((await shop.daemon.refreshed(shop.name("web")))["status"])
    assert await shop.live("keep") is not None
    app["spec"]["syncPolicy"] = {"automated": {"prune": True, "allowEmpty": True}}
    await shop.declare(app)
    await shop.until_gone("keep")


async def test_object_with_prune_false_stays(shop: World) -> None:
    kept = config_map("kept", v="1")
    kept["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "Prune=false"}
    repo = shop.repo(files={"keep.yaml": KEEP, "kept.yaml": text(kept), "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.push(repo, {"kept.yaml": None, "old.yaml": None})

    await shop.until_gone("old")
    assert await shop.live("kept") is not None

"""Hooks through the daemon: run before what they prepare, seen to their end, and let go of."""

from __future__ import annotations

from typing import Any

from tests.e2e.daemon import Json, until
from tests.e2e.world import BY_HAND, World, config_map, text

ONCE: Json = {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 0}}  # no failed sync is retried
HOOK = "argocd.argoproj.io/hook"
LASTS = "sim.gitopsd.io/run-seconds"  # no simulated kubelet ends a Pod before the test does


def pod(policy: str = "HookSucceeded", phase: str = "PreSync", **meta: Any) -> Json:
    marks = {HOOK: phase, f"{HOOK}-delete-policy": policy, LASTS: "1000000"}
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "migrate:1"}]}
    named = meta or {"name": "migrate"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**named, "annotations": marks}, "spec": spec}


async def until_pod(shop: World) -> Json:
    """Wait until a hook's Pod runs in this test's namespace; return it."""

    async def probe() -> Json | None:
        items = (await shop.here.get(shop.path("", "pods").rstrip("/"))).ok()["items"]
        return next((each for each in items if "gitopsd.io/operation-id" in each["metadata"]["annotations"]), None)

    found: Json = await until("the hook's Pod is there", probe)
    return found


async def ends(shop: World, name: str, phase: str) -> None:
    """Have the Pod end as its kubelet would."""
    status = {"phase": phase, "message": "so it ended"}
    (await shop.here.patch(shop.path(f"{name}/status", "pods"), {"status": status})).ok()


async def test_objects_wait_for_the_end_of_a_hook_with_a_generated_name(shop: World) -> None:
    repo = shop.repo(files={"hook.yaml": text(pod(generateName="migrate-")), "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))

    hook = await until_pod(shop)
    before = await shop.live("a")
    await ends(shop, hook["metadata"]["name"], "Succeeded")

    await shop.until_live("a", {"v": "1"})
    await shop.until_gone(hook["metadata"]["name"], "pods")
    seen = await shop.daemon.until_synced(shop.name("web"))
    assert before is None
    assert hook["metadata"]["name"].startswith("migrate-")
    assert ["gitopsd.io/hook"] == hook["metadata"]["finalizers"]
    assert ["a"] == [each["name"] for each in seen["status"]["resources"]]


async def test_failed_hook_keeps_everything_else_from_being_written(shop: World) -> None:
    repo = shop.repo(files={"hook.yaml": text(pod("HookFailed")), "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo, policy=ONCE))

    await ends(shop, (await until_pod(shop))["metadata"]["name"], "Failed")

    failed = await shop.daemon.until_app(
        shop.name("web"), lambda app: app["status"].get("operationState", {}).get("phase") == "Failed"
    )
    await shop.until_gone("migrate", "pods")
    assert "so it ended" in failed["status"]["operationState"]["message"]
    assert await shop.live("a") is None


async def test_hook_that_somebody_deletes_while_it_runs_fails_the_sync_and_goes(shop: World) -> None:
    repo = shop.repo(files={"hook.yaml": text(pod()), "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo, policy=ONCE))

    name = (await until_pod(shop))["metadata"]["name"]
    (await shop.here.delete(shop.path(name, "pods"))).ok()

    await shop.until_gone(name, "pods")
    failed = await shop.daemon.until_app(
        shop.name("web"), lambda app: app["status"].get("operationState", {}).get("phase") == "Failed"
    )
    assert "before it had ended" in failed["status"]["operationState"]["message"]


async def test_hook_stays_until_it_is_run_the_next_time(shop: World) -> None:
    files = {"hook.yaml": text(pod("BeforeHookCreation")), "a.yaml": text(config_map("a", v="1"))}
    repo = shop.repo(files=files)
    await shop.declare(shop.application("web", repo))
    first = await until_pod(shop)
    await ends(shop, "migrate", "Succeeded")
    await shop.daemon.until_synced(shop.name("web"))
    kept = await shop.live("migrate", "pods")

    commit = await shop.push(repo, {"a.yaml": text(config_map("a", v="2"))})

    async def another() -> bool:
        live = await shop.live("migrate", "pods")
        return live is not None and live["metadata"]["uid"] != first["metadata"]["uid"]

    await until("the hook is run anew", another)
    await ends(shop, "migrate", "Succeeded")
    await shop.daemon.until_synced(shop.name("web"), commit)
    assert kept is not None
    assert "finalizers" not in kept["metadata"]
    assert {"v": "2"} == (await shop.live("a") or {})["data"]


async def test_sync_that_a_person_ends_takes_its_hook_with_it(shop: World) -> None:
    repo = shop.repo(files={"hook.yaml": text(pod()), "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))
    await until_pod(shop)

    assert 200 == (await shop.daemon.call("DELETE", f"/api/v1/applications/{shop.name('web')}/operation"))[0]

    await shop.until_gone("migrate", "pods")
    assert await shop.live("a") is None


async def test_hooks_of_a_deletion_are_run_before_and_after_the_objects_go(shop: World) -> None:
    files = {"a.yaml": text(config_map("a", v="1"))}
    files |= {f"{when}.yaml": text(pod(phase=f"{when}Delete", name=when.lower())) for when in ("Pre", "Post")}
    repo = shop.repo(files=files)
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    assert 200 == (await shop.daemon.call("DELETE", f"/api/v1/applications/{shop.name('web')}?cascade=true"))[0]
    before = (await until_pod(shop))["metadata"]["name"], await shop.live("a") is not None
    await ends(shop, "pre", "Succeeded")
    await shop.until_gone("a")
    await shop.until_gone("pre", "pods")
    after = (await until_pod(shop))["metadata"]["name"]
    await ends(shop, "post", "Succeeded")

    await shop.until_gone("post", "pods")
    await shop.daemon.until_gone(shop.name("web"))
    assert (("pre", True), "post") == (before, after)


def argocds(name: str, phase: str, policy: str = "BeforeHookCreation") -> Json:
    made = config_map(name, v="1")
    made["metadata"]["annotations"] = {HOOK: phase, f"{HOOK}-delete-policy": policy}
    return made


def helms(name: str, kind: str, policy: str) -> Json:
    made = config_map(name, v="1")
    made["metadata"]["annotations"] = {"helm.sh/hook": kind, "helm.sh/hook-delete-policy": policy}
    return made


ARGOCDS = [
    (argocds("pre-gone", "PreSync", "HookSucceeded"), False),
    (argocds("pre-both", "PreSync", "HookSucceeded,HookFailed"), False),
    (argocds("sync-stays", "Sync"), True),
    (argocds("post-stays", "PostSync", "HookFailed"), True),
    (argocds("fail-not-run", "SyncFail"), False),
    (argocds("skipped", "Skip"), False),
    (argocds("delete-not-run", "PreDelete"), False),
]
HELMS = [
    (helms("helm-gone", "pre-install", "hook-succeeded"), False),
    (helms("helm-stays", "post-install", "before-hook-creation"), True),
    (helms("helm-failed", "post-upgrade", "hook-failed"), True),
    (helms("helm-test", "test", "before-hook-creation"), False),
]


async def test_every_kind_of_hook_is_run_and_deleted_as_its_policy_says(shop: World) -> None:
    repo = shop.repo(
        files={
            "argocd/all.yaml": text(config_map("a", v="1"), *(hook for hook, _ in ARGOCDS)),
            "helm/all.yaml": text(config_map("b", v="1"), *(hook for hook, _ in HELMS)),
            "fails/all.yaml": text(
                {**config_map("c"), "data": {"not valid!": "1"}}, argocds("run-on-failure", "SyncFail")
            ),
        }
    )
    await shop.declare(*(shop.application(name, repo, name) for name in ("argocd", "helm", "fails")))
    for name in ("argocd", "helm"):
        await shop.daemon.until_synced(shop.name(name))

    found = {hook["metadata"]["name"]: await shop.live(hook["metadata"]["name"]) for hook, _ in (*ARGOCDS, *HELMS)}

    assert {hook["metadata"]["name"]: there for hook, there in (*ARGOCDS, *HELMS)} == {
        name: live is not None for name, live in found.items()
    }
    assert all("finalizers" not in live["metadata"] for live in found.values() if live is not None)
    seen = await shop.daemon.until_app(
        shop.name("fails"), lambda app: app["status"].get("operationState", {}).get("phase") == "Failed"
    )
    assert "nothing was written" in seen["status"]["operationState"]["message"]
    assert await shop.live("run-on-failure") is None


async def test_branch_that_is_rewritten_while_a_hook_runs_changes_nothing_of_what_a_person_asked_for(
    shop: World,
) -> None:
    repo = shop.repo(files={"hook.yaml": text(pod()), "a.yaml": text(config_map("a", v="old"))})
    asked = str(repo.git.references["refs/heads/main"].target)
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    name = shop.name("web")
    await shop.daemon.until_app(name, lambda app: app["status"].get("sync", {}).get("revision") == asked)
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {"revision": asked})
    hook = await until_pod(shop)

    repo.rewrite({"a.yaml": text(config_map("a", v="new")), "b.yaml": text(config_map("b", v="new"))})
    repo.collect()
    running = await shop.daemon.refreshed(name)
    await ends(shop, hook["metadata"]["name"], "Succeeded")

    await shop.until_live("a", {"v": "old"})
    seen = await shop.daemon.until_app(name, lambda app: app["status"]["operationState"]["phase"] == "Succeeded")
    assert "Running" == running["status"]["operationState"]["phase"]
    assert asked == seen["status"]["operationState"]["syncResult"]["revision"]
    assert await shop.live("b") is None

"""What users of other GitOps tools reported, in small: each test has the number of its report."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.api import JSON_PATCH
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.kinds import boat, definition
from tests.e2e.world import World, config_map, text

APPS, BATCH = "/apis/apps/v1", "/apis/batch/v1"
HOOK = "argocd.argoproj.io/hook"
WAVE = "argocd.argoproj.io/sync-wave"
LASTS = {"sim.gitopsd.io/run-seconds": "1000000"}  # no simulated kubelet ends a Pod before the test does
LABELS = {"app": "web"}


def annotated(manifest: Json, **marks: str) -> Json:
    manifest["metadata"]["annotations"] = marks
    return manifest


def pod_spec(**container: Any) -> Json:
    return {"restartPolicy": "Never", "containers": [{"name": "main", "image": "main:1", **container}]}


def workload(kind: str, **container: Any) -> Json:
    spec: Json = {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod_spec(**container) | {"restartPolicy": "Always"}},
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def secret(**data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": data}


async def succeed(shop: World, name: str) -> None:
    """Have a Pod end as its kubelet would, once it is there."""
    await until(f"the Pod {name} is there", lambda: shop.live(name, "pods"))
    (await shop.here.patch(shop.path(f"{name}/status", "pods"), {"status": {"phase": "Succeeded"}})).ok()


async def test_key_that_leaves_string_data_leaves_the_secret(shop: World) -> None:
    """Reported as argoproj/argo-cd 29109 (and 9368): the key stayed, and the application said Synced."""
    repo = shop.repo(files={"keys.yaml": text(secret(a="1", b="2"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    commit = await shop.push(repo, {"keys.yaml": text(secret(a="1"))})

    await shop.daemon.until_synced(shop.name("web"), commit)
    assert {"a": "MQ=="} == (await shop.live("keys", "secrets") or {})["data"]


async def test_quantities_that_the_server_writes_otherwise_are_in_sync(shop: World) -> None:
    """Reported as argoproj/argo-cd 21135: 1000M is stored as 1G, and the StatefulSet was OutOfSync for ever."""
    limits = {"requests": {"memory": "1000M", "cpu": "1000m"}, "limits": {"memory": "1000M"}}
    manifest = workload("StatefulSet", resources=limits)
    repo = shop.repo(files={"web.yaml": text({**manifest, "spec": {**manifest["spec"], "serviceName": "web"}})})
    await shop.declare(shop.application("web", repo))

    await shop.daemon.until_synced(shop.name("web"))

    again = await shop.daemon.refreshed(shop.name("web"))
    assert ("Synced", 1) == (sync_status(again), len(again["status"]["history"]))
    assert 1 == (await shop.live("web", "statefulsets", APPS) or {})["metadata"]["generation"]


async def test_object_that_moves_to_another_version_is_not_deleted(shop: World) -> None:
    """Reported as fluxcd/kustomize-controller 510 and fluxcd/flux2 3202: it was pruned, and came back later or not."""
    group = f"{shop.id}.example.com"
    both = definition(group)
    both["spec"]["versions"].append({**both["spec"]["versions"][0], "name": "v1alpha1", "storage": False})
    old = {**boat(group, 1), "apiVersion": f"{group}/v1alpha1"}
    repo = shop.repo(files={"all.yaml": text(both, old)})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    before = await shop.live("ann", "boats", f"/apis/{group}/v1") or {}

    commit = await shop.push(repo, {"all.yaml": text(both, boat(group, 2))})

    await shop.daemon.until_synced(shop.name("web"), commit)
    after = await shop.live("ann", "boats", f"/apis/{group}/v1") or {}
    assert (before["metadata"]["uid"], 2) == (after["metadata"]["uid"], after["spec"]["size"])


async def test_prune_goes_by_waves_from_the_last_and_waits_for_each(shop: World) -> None:
    """Reported as argoproj/argo-cd 12376 (and 15074): the first wave was pruned first, under what still needed it."""
    late = annotated(config_map("late", v="1"), **{WAVE: "5"})
    late["metadata"]["finalizers"] = ["example.com/held"]
    files = {"early.yaml": text(annotated(config_map("early", v="1"), **{WAVE: "1"})), "late.yaml": text(late)}
    repo = shop.repo(files={"keep.yaml": text(config_map("keep", v="1")), **files})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.push(repo, dict.fromkeys(files))

    async def ending() -> bool:
        return "deletionTimestamp" in (await shop.live("late") or {"metadata": {}})["metadata"]

    await until("the later wave is being deleted", ending)
    await shop.daemon.refreshed(shop.name("web"))
    early = await shop.live("early")
    (await shop.here.patch(shop.path("late"), {"metadata": {"finalizers": None}})).ok()
    await shop.until_gone("early")
    assert early is not None
    assert "deletionTimestamp" not in early["metadata"]


async def test_hook_that_its_controller_deletes_when_it_ends_has_ended(shop: World) -> None:
    """Reported as argoproj/argo-cd 6880: a Job with ttlSecondsAfterFinished 0 was waited for for ever."""
    template = {"metadata": {"annotations": LASTS}, "spec": pod_spec()}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "annotations": {HOOK: "PreSync"}},
        "spec": {"ttlSecondsAfterFinished": 0, "template": template},
    }
    repo = shop.repo(files={"job.yaml": text(job), "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))

    async def started() -> str | None:
        pods = (await shop.here.get(shop.path("", "pods").rstrip("/"))).ok()["items"]
        return next((each["metadata"]["name"] for each in pods), None)

    await succeed(shop, await until("the Job has a Pod", started))

    await shop.until_live("a", {"v": "1"})
    await shop.until_gone("migrate", "jobs", BATCH)
    await shop.daemon.until_synced(shop.name("web"))


async def test_hook_after_a_sync_waits_until_all_is_healthy(shop: World) -> None:
    """Reported as argoproj/argo-cd 363 (and 4669, 22537): it ran while what it was to test was still starting."""
    main = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "main", "annotations": LASTS}, "spec": pod_spec()}
    after = annotated(config_map("after", v="1"), **{HOOK: "PostSync"})
    repo = shop.repo(files={"main.yaml": text(main), "after.yaml": text(after)})
    await shop.declare(shop.application("web", repo))
    await until("the Pod is there", lambda: shop.live("main", "pods"))
    await shop.daemon.refreshed(shop.name("web"))
    before = await shop.live("after")

    await succeed(shop, "main")

    await shop.until_live("after", {"v": "1"})
    assert before is None


async def test_suspended_cron_job_suspends_no_application(shop: World) -> None:
    """Reported as argoproj/argo-cd 24428 (and 19126): the application was Suspended, or its CronJob had no health."""
    template = {"spec": {"template": {"spec": pod_spec()}}}
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": template}
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": spec}
    repo = shop.repo(files={"nightly.yaml": text(job)})
    await shop.declare(shop.application("web", repo))

    seen = await shop.daemon.until_synced(shop.name("web"))

    assert "Healthy" == seen["status"]["health"]["status"]


async def test_what_stands_beside_an_ignored_field_of_a_list_is_written(shop: World) -> None:
    """Reported as argoproj/argo-cd 11876 (and 9678): with one field ignored the whole list stayed as it was live."""
    repo = shop.repo(files={"web.yaml": text(workload("Deployment", env=[{"name": "A", "value": "1"}]))})
    rule = {"group": "apps", "kind": "Deployment", "jqPathExpressions": [".spec.template.spec.containers[].image"]}
    policy = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["RespectIgnoreDifferences=true"]}
    await shop.declare(shop.application("web", repo, policy=policy, ignoreDifferences=[rule]))
    await shop.daemon.until_synced(shop.name("web"))
    theirs = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "main:2"}]
    path = shop.path("web", "deployments", APPS)
    (await shop.here.patch(path, theirs, JSON_PATCH, fieldManager="image-updater")).ok()

    env = [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    commit = await shop.push(repo, {"web.yaml": text(workload("Deployment", env=env))})

    await shop.daemon.until_synced(shop.name("web"), commit)
    (container,) = (await shop.live("web", "deployments", APPS) or {})["spec"]["template"]["spec"]["containers"]
    assert ("main:2", env) == (container["image"], container["env"])


async def test_kind_that_went_before_its_objects_were_pruned_holds_up_nothing(shop: World) -> None:
    """Reported as fluxcd/kustomize-controller 90: prune failed, since nobody served the kind any more."""
    group = f"{shop.id}.example.com"
    boats = text(definition(group), boat(group, 1))
    repo = shop.repo(files={"boat.yaml": boats, "a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo, policy={"automated": {"prune": True}}))
    await shop.daemon.until_synced(shop.name("web"))
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.{group}"
    (await shop.here.delete(path)).ok()

    commit = await shop.push(repo, {"boat.yaml": None, "a.yaml": text(config_map("a", v="2"))})

    await shop.until_live("a", {"v": "2"})
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert ["a"] == [each["name"] for each in seen["status"]["resources"]]


async def test_what_only_looks_like_the_application_s_is_not_pruned(shop: World) -> None:
    """Reported as argoproj/argo-cd 25303: a Secret that somebody made by hand was gone after a sync."""
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1")), "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    made = secret(by_hand="1")
    made["metadata"]["labels"] = {"app.kubernetes.io/instance": shop.name("web")}
    (await shop.here.post(shop.path("", "secrets").rstrip("/"), made)).ok()

    commit = await shop.push(repo, {"old.yaml": None})

    await shop.until_gone("old")
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert await shop.live("keys", "secrets") is not None
    assert ["a"] == [each["name"] for each in seen["status"]["resources"]]

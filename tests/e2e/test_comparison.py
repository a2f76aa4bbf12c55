"""What is compared is what Git asked for: all of it, and nothing else."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import pytest

from tests.contract import mixed
from tests.contract.edits import Edit, edits_beside_owned, edits_of_owned
from tests.contract.kubernetes.api import JSON_PATCH, manager_of
from tests.e2e.daemon import Json, resource, sync_status, until
from tests.e2e.world import World, text

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
SAMPLE = 10_000 if SOAK else 150  # edits of each test
KINDS = [kind for kind in mixed.KINDS if kind != "Boat"]  # without the definition that it would need
EDITED = KINDS if SOAK else [kind for kind in KINDS if kind not in ("StatefulSet", "PersistentVolumeClaim")]
NO_HEAL = {"automated": {"prune": True}}


def manifest(kind: str, name: str = "web") -> Json:
    """Return an object of the mixed set, as a person writes it into Git."""
    _, api_version, rest = mixed.KINDS[kind]
    found = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": {"app": "web"}}}
    return copy.deepcopy({**found, **rest})


def path_of(shop: World, kind: str, name: str = "web") -> str:
    plural, api_version, _ = mixed.KINDS[kind]
    return shop.path(name, plural, f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")


async def test_nothing_differs_after_a_sync(shop: World) -> None:
    repo = shop.repo(files={f"{kind}.yaml": text(manifest(kind)) for kind in KINDS})
    await shop.declare(shop.application("web", repo))

    seen = await shop.daemon.until_synced(shop.name("web"))

    assert sorted(KINDS) == sorted(each["kind"] for each in seen["status"]["resources"])
    asked = await patches(shop)
    again = await shop.daemon.refreshed(shop.name("web"))
    assert "Synced" == sync_status(again)
    assert 1 == len(again["status"]["history"])
    assert asked == await patches(shop)  # hashes prove it: the server is not asked


async def patches(shop: World) -> float:
    return await shop.daemon.metric("gitopsd_api_requests_total", cluster="here", verb="PATCH")


Path = tuple[str | int, ...]
CONTAINER: Path = ("spec", "template", "spec", "containers", 0)
POD: tuple[Path, ...] = (
    ("spec", "template", "spec", "tolerations"),
    ("spec", "template", "metadata", "annotations"),
    (*CONTAINER, "resources", "limits", "memory"),
    (*CONTAINER, "env"),
    (*CONTAINER, "args"),
    (*CONTAINER, "readinessProbe"),
    (*CONTAINER[:-1], 1),
)
DROPPED: dict[str, tuple[Path, ...]] = {  # beside metadata.labels: what Git may stop to say of an object
    "ConfigMap": (("data", "b"), ("binaryData",)),
    "Secret": (("data", "user"), ("stringData", "more")),
    "Service": (("spec", "ports", 1),),
    "Deployment": POD,
    "StatefulSet": POD,
    "Ingress": (("spec", "tls"),),
    "NetworkPolicy": (("spec", "ingress"),),
    "ServiceAccount": (("imagePullSecrets",),),
}


def drop(kind: str, found: Json) -> list[Path]:
    """Take from a manifest what Git drops of it; return where each piece was in the live object."""
    paths: list[Path] = [("metadata", "labels"), *DROPPED.get(kind, ())]
    for path in paths:
        holder: Any = found
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
    return [("data", *path[1:]) if path[0] == "stringData" else path for path in paths]


async def test_every_key_that_git_drops_is_gone_from_live(shop: World) -> None:
    first = {kind: manifest(kind) for kind in KINDS}
    first["Secret"]["stringData"] = {"more": "x"}
    repo = shop.repo(files={f"{kind}.yaml": text(found) for kind, found in first.items()})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    second = copy.deepcopy(first)
    gone = {kind: drop(kind, found) for kind, found in second.items()}
    for kind, paths in gone.items():
        live = (await shop.here.get(path_of(shop, kind))).ok()
        assert [] == [path for path in paths if not has(live, path)], kind

    commit = await shop.push(repo, {f"{kind}.yaml": text(found) for kind, found in second.items()})
    await shop.daemon.until_synced(shop.name("web"), commit)

    for kind, paths in gone.items():
        live = (await shop.here.get(path_of(shop, kind))).ok()
        assert [] == [path for path in paths if has(live, path)], kind


def has(live: Any, path: Path) -> bool:
    """Tell whether `live` has anything at `path`."""
    for step in path:
        there = step < len(live) if isinstance(step, int) and isinstance(live, list) else step in live
        if not there:
            return False
        live = live[step]
    return True


async def test_every_edit_of_what_git_set_is_seen_and_healed(shop: World) -> None:
    copies = await edited(shop, "owned")
    name = shop.name("web")

    await shop.daemon.refreshed(name)
    missed: list[str] = []

    async def all_seen() -> bool:
        # What a controller writes at the same time is Unknown for a moment, and an event may still be on its way.
        nonlocal missed
        app = await shop.daemon.app(name) or {}
        shown = {who: resource(app, *who) for who in copies}
        missed = [
            f"{who}: {edit.what} {edit.path}: {shown[who].get('status')}, {shown[who].get('reason')}"
            for who, edit in copies.items()
            if shown[who].get("status") != "OutOfSync"
        ]
        return not missed

    try:
        await until("every edit is seen", all_seen)
    except AssertionError:
        pytest.fail("\n".join([f"{len(missed)} of {len(copies)} are not seen:", *missed]))
    odd = await unexplained(shop, copies)
    assert [] == odd, "\n".join(odd)

    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {})
    await shop.daemon.until_synced(name)


async def unexplained(shop: World, copies: dict[tuple[str, str], Edit]) -> list[str]:
    """Return the edits whose differences are not all drift, or are not put down to who made them."""
    answer = await shop.daemon.ok("GET", f"/api/v1/applications/{shop.name('web')}/managed-resources")
    by_name = {(item["kind"], item["name"]): item["differences"] for item in answer["items"]}
    found = []
    for (kind, copy_), edit in copies.items():
        told = by_name[kind, copy_]
        causes = {each["why"] for each in told} - {"Defaulted"}
        named = {writer["manager"] for each in told for writer in each["writers"]} - {"gitopsd"}
        # Of who has removed something, or put it into another order, the API server keeps no trace.
        traced = edit.what != "reorder" and any(each["live"] != "(absent)" for each in told)
        refused = not told  # the server refuses the whole target, and says why
        if not refused and (causes != {"Drift"} or named != ({"other"} if traced else named & {"other"})):
            found.append(f"{kind} {copy_}: {edit.what} {edit.path}: {told}")
    return found


async def test_no_edit_of_what_git_did_not_set_is_drift(shop: World) -> None:
    copies = await edited(shop, "beside")

    seen = await shop.daemon.refreshed(shop.name("web"))

    wrong = [
        f"{kind} {copy_}: {edit.what} {edit.path}: {resource(seen, kind, copy_).get('reason')}"
        for (kind, copy_), edit in copies.items()
        if resource(seen, kind, copy_)["status"] != "Synced"
    ]
    assert [] == wrong, f"{len(wrong)} of {len(copies)}"


async def edited(shop: World, which: str) -> dict[tuple[str, str], Edit]:
    """Sync one copy of an object for each edit, and have another manager make that edit; return who was edited how.

    Copies that the server would not have edited so are left out.
    """
    plans = {kind: await planned(shop, kind, which) for kind in EDITED}
    files = {
        f"{kind}.yaml": text(*(manifest(kind, f"web-{place}") for place in range(len(edits))))
        for kind, edits in plans.items()
        if edits
    }
    repo = shop.repo(which, files=files)
    await shop.declare(shop.application("web", repo, policy=NO_HEAL))
    await shop.daemon.until_synced(shop.name("web"))
    made = {}
    for kind, edits in plans.items():
        for place, edit in enumerate(edits):
            if await accepted(shop, kind, f"web-{place}", edit):
                made[kind, f"web-{place}"] = edit
    assert len(made) > 15, f"the server took only {len(made)} edits"
    return made


async def planned(shop: World, kind: str, which: str) -> list[Edit]:
    """Return the edits of one kind, of an object that is applied and deleted again to see what is owned."""
    path = path_of(shop, kind, "model")
    live = (await shop.here.apply(path, manifest(kind, "model"), force="true")).ok()
    (await shop.here.delete(path)).ok()
    fields = manager_of(live, "gitopsd")
    found = list(edits_of_owned(fields, live) if which == "owned" else edits_beside_owned(fields, live))
    # `emptyDir: {}` says that there is one, and nothing of its fields: what another adds there is theirs.
    found = [edit for edit in found if not (edit.what == "change" and value_at(live, edit.path) == {})]
    share = max(1, SAMPLE // len(EDITED))
    step = max(1, len(found) // share)
    return found[::step]


def value_at(live: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        live = live[int(name)] if isinstance(live, list) else live[name]
    return live


async def accepted(shop: World, kind: str, name: str, edit: Edit) -> bool:
    """Make an edit as another manager; tell whether it changed what people see."""
    path = path_of(shop, kind, name)
    before = (await shop.here.get(path)).ok()
    for patch in edit.patches:
        answer = await shop.here.patch(path, patch, JSON_PATCH, fieldManager="other")
        if answer.status == 200 and without_server_fields(answer.body) != without_server_fields(before):
            return True
    return False


def without_server_fields(found: Json) -> str:
    hidden = ("managedFields", "resourceVersion", "generation")
    meta = {name: value for name, value in found["metadata"].items() if name not in hidden}
    return json.dumps({**found, "metadata": meta}, sort_keys=True)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("jsonPointers", "/data/a"),
        ("jqPathExpressions", '.data | select(has("b")) | .["a"]'),
        ("managedFieldsManagers", "other"),
    ],
)
async def test_what_is_to_be_ignored_is(shop: World, rule: str, value: str) -> None:
    ignored = [{"group": "", "kind": "ConfigMap", rule: [value]}]
    repo = shop.repo(files={"a.yaml": text(manifest("ConfigMap"))})
    await shop.declare(shop.application("web", repo, policy=NO_HEAL, ignoreDifferences=ignored))
    await shop.daemon.until_synced(shop.name("web"))

    await shop.edit("web", {"a": "2"}, manager="other")

    async def compared() -> bool:
        return sync_status(await shop.daemon.refreshed(shop.name("web"))) == "Synced"

    await until("it is Synced again", compared)
    await shop.edit("web", {"b": "2"}, manager="somebody")
    await shop.daemon.until_app(shop.name("web"), lambda app: sync_status(app) == "OutOfSync")


async def test_what_git_changed_is_told_apart_from_what_others_did(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(manifest("Deployment"))})
    await shop.declare(shop.application("web", repo, policy={}))
    name = shop.name("web")
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {})
    await shop.daemon.until_synced(name)
    changed = manifest("Deployment")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:2"
    del changed["metadata"]["labels"]
    path = path_of(shop, "Deployment")
    (await shop.here.patch(path, {"spec": {"paused": True, "minReadySeconds": 7}}, fieldManager="kubectl-edit")).ok()

    await shop.push(repo, {"a.yaml": text(changed)})
    await shop.daemon.until_app(name, lambda app: "3 field" in str(resource(app, "Deployment", "web").get("reason")))

    answer = await shop.daemon.ok("GET", f"/api/v1/applications/{name}/managed-resources")
    told = {each["path"]: each for each in answer["items"][0]["differences"]}
    assert {
        ".metadata.labels": "Removed",
        ".spec.minReadySeconds": "Drift",
        ".spec.template.spec.containers[name=web].image": "NotApplied",
    } == {path: each["why"] for path, each in told.items()}
    assert ["kubectl-edit"] == [writer["manager"] for writer in told[".spec.minReadySeconds"]["writers"]]


async def test_what_jq_ignores_is_left_as_it_is_by_a_sync(shop: World) -> None:
    rule = {
        "group": "apps",
        "kind": "Deploy*",
        "name": "we?",
        "jqPathExpressions": [".spec.template.spec.containers[].image"],
    }
    repo = shop.repo(files={"a.yaml": text(manifest("Deployment"))})
    policy = {**NO_HEAL, "syncOptions": ["RespectIgnoreDifferences=true"]}
    await shop.declare(shop.application("web", repo, policy=policy, ignoreDifferences=[rule]))
    await shop.daemon.until_synced(shop.name("web"))
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "by-hand:1"}]
    path = path_of(shop, "Deployment")
    (await shop.here.patch(path, image, JSON_PATCH, fieldManager="kubectl-edit")).ok()
    changed = manifest("Deployment")
    changed["spec"]["minReadySeconds"] = 9
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:2"

    commit = await shop.push(repo, {"a.yaml": text(changed)})
    await shop.daemon.until_synced(shop.name("web"), commit)

    spec = (await shop.here.get(path)).ok()["spec"]
    assert (9, "by-hand:1") == (spec["minReadySeconds"], spec["template"]["spec"]["containers"][0]["image"])


async def test_field_that_cannot_change_may_be_ignored(shop: World) -> None:
    ignored = [{"group": "", "kind": "ConfigMap", "jsonPointers": ["/data/a"]}]
    fixed = {**manifest("ConfigMap"), "immutable": True}
    repo = shop.repo(files={"a.yaml": text(fixed)})
    await shop.declare(shop.application("web", repo, policy=NO_HEAL, ignoreDifferences=ignored))
    await shop.daemon.until_synced(shop.name("web"))

    commit = await shop.push(repo, {"a.yaml": text({**fixed, "data": {**fixed["data"], "a": "another"}})})

    await shop.daemon.until_synced(shop.name("web"), commit)

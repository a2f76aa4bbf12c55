"""Patches and deletions by hand, on each kind of server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.apply.live_edits import EditTarget, LiveEdits
from gitopsd.apply.run import ClusterApplier
from gitopsd.core.target.tracking import Tracking
from gitopsd.errors import BadRequest, ClusterUnreachable, NotFound, NotPermitted
from gitopsd.model.edit import LiveDeletion, LivePatch, LivePatchType
from gitopsd.model.ids import Uid
from gitopsd.model.manifest import Manifest
from tests.clusters import Cluster
from tests.contract.applying import HERE, accepted, config_map, deployment, live, ref

JSON, MERGE, STRATEGIC = LivePatchType.JSON, LivePatchType.MERGE, LivePatchType.STRATEGIC


async def made(applier: ClusterApplier, manifest: Manifest) -> EditTarget:
    await accepted(applier, manifest)
    found = await live(applier, manifest)
    return EditTarget(HERE, ref(manifest), Uid(found["metadata"]["uid"]))


def tracked(namespace: str) -> dict[str, Any]:
    settings = config_map(namespace)
    text = f"shop:/ConfigMap:{namespace}/settings"
    return {**settings, "metadata": {**settings["metadata"], "annotations": {"gitopsd.io/tracking-id": text}}}


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (JSON, [{"op": "replace", "path": "/data/a", "value": "2"}]),
        (MERGE, {"data": {"a": "2"}}),
    ],
)
async def test_object_is_patched_in_each_form(
    applier: ClusterApplier, namespace: str, kind: LivePatchType, patch: Any
) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)
    changed = await LiveEdits(applier).edit(target, LivePatch(kind, patch))

    assert changed is not None
    assert {"a": "2"} == changed["data"] == (await live(applier, settings))["data"]
    managers = [(entry["manager"], entry["operation"]) for entry in changed["metadata"]["managedFields"]]
    assert [("gitopsd", "Apply"), ("gitopsd-api", "Update")] == sorted(managers)


async def test_strategic_patch_finds_a_container_by_its_name(
    applier: ClusterApplier, namespace: str, cluster: Cluster
) -> None:
    target = await made(applier, deployment(namespace))
    containers = [{"name": "web", "image": "web:2"}]
    patch = LivePatch(STRATEGIC, {"spec": {"template": {"spec": {"containers": containers}}}})
    if cluster.simulated:  # it takes no such patches, as a real server takes none of custom kinds
        with pytest.raises(BadRequest, match="accepted media types"):
            await LiveEdits(applier).edit(target, patch)
        return
    changed = await LiveEdits(applier).edit(target, patch)

    assert changed is not None
    assert ["web:2"] == [each["image"] for each in changed["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (MERGE, []),
        (MERGE, {"metadata": "x"}),
        (MERGE, {"data": "x"}),
        (JSON, {"data": {}}),
        (JSON, [{"op": "copy", "from": "/data/a", "path": "/data/b"}]),
        (JSON, [{"op": "remove", "path": "/data/none"}]),
        (JSON, [{"op": "test", "path": "/data/a", "value": "other"}]),
    ],
)
async def test_what_is_no_patch_of_the_object_changes_nothing(
    applier: ClusterApplier, namespace: str, kind: LivePatchType, patch: Any
) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)
    before = await live(applier, settings)
    with pytest.raises(BadRequest):
        await LiveEdits(applier).edit(target, LivePatch(kind, patch))

    assert before == await live(applier, settings)


@pytest.mark.parametrize("whose", ["bank:/ConfigMap:NS/settings", None])
@pytest.mark.parametrize("kind", [JSON, MERGE])
async def test_patch_that_gives_the_object_away_is_refused(
    applier: ClusterApplier, namespace: str, kind: LivePatchType, whose: str | None
) -> None:
    """Another application would prune it, by the rights of nobody who asked."""
    settings = tracked(namespace)
    target = await made(applier, settings)
    text = whose.replace("NS", namespace) if whose else None
    annotations = {"gitopsd.io/tracking-id": text}
    if kind is JSON:
        path = "/metadata/annotations/gitopsd.io~1tracking-id"
        patch: Any = [{"op": "replace", "path": path, "value": text} if text else {"op": "remove", "path": path}]
    else:
        patch = {"metadata": {"annotations": annotations}}
    with pytest.raises(NotPermitted, match="whose object it is"):
        await LiveEdits(applier).edit(target, LivePatch(kind, patch))

    assert settings["metadata"]["annotations"] == (await live(applier, settings))["metadata"]["annotations"]


async def test_label_that_says_whose_it_is_is_left_alone(applier: ClusterApplier, namespace: str) -> None:
    settings = config_map(namespace)
    settings["metadata"]["labels"] = {"team": "shop"}
    target = await made(applier, settings)
    edits = LiveEdits(applier, Tracking("team", reads_label=True))
    with pytest.raises(NotPermitted):
        await edits.edit(target, LivePatch(MERGE, {"metadata": {"labels": {"team": "bank"}}}))
    await edits.edit(target, LivePatch(MERGE, {"metadata": {"labels": {"other": "bank"}}}))


@pytest.mark.parametrize("edit", [LivePatch(MERGE, {"data": {"a": "2"}}), LiveDeletion()])
async def test_another_object_of_that_name_is_left_alone(
    applier: ClusterApplier, namespace: str, edit: LivePatch | LiveDeletion
) -> None:
    settings = tracked(namespace)
    target = replace(await made(applier, settings), uid=Uid("of-one-that-is-gone"))
    with pytest.raises(NotFound):
        await LiveEdits(applier).edit(target, edit)

    assert {"a": "1"} == (await live(applier, settings))["data"]


@pytest.mark.parametrize("deletion", [LiveDeletion(), LiveDeletion(force=True), LiveDeletion(orphan=True)])
async def test_object_is_deleted(applier: ClusterApplier, namespace: str, deletion: LiveDeletion) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)

    assert await LiveEdits(applier).edit(target, deletion) is None
    left = await applier.read(HERE, target.ref)
    assert left is None or left["metadata"]["deletionTimestamp"]  # where a garbage collector has to come by


async def test_values_of_a_secret_are_neither_told_nor_tried_out(applier: ClusterApplier, namespace: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": namespace},
        "data": {"p": "c3dvcmRmaXNo"},
    }
    target = await made(applier, secret)
    edits = LiveEdits(applier)
    open_to_all = "/metadata/annotations"
    for operation in (
        {"op": "test", "path": "/data/p", "value": "c3dvcmRmaXNo"},
        {"op": "copy", "from": "/data/p", "path": open_to_all},
        {"op": "move", "from": "/data/p", "path": open_to_all},
    ):
        with pytest.raises(BadRequest):
            await edits.edit(target, LivePatch(JSON, [operation]))
    with pytest.raises(BadRequest) as error:
        await edits.edit(target, LivePatch(MERGE, {"data": {"p": "not-base64"}}))

    assert "not-base64" not in str(error.value)
    assert secret["data"] == (await live(applier, secret))["data"]


async def test_nothing_is_written_where_another_daemon_writes(applier: ClusterApplier, namespace: str) -> None:
    settings = tracked(namespace)
    target = await made(applier, settings)
    fenced = LiveEdits(replace(applier, fenced=lambda _: "another daemon holds the lease"))
    for edit in (LivePatch(MERGE, {"data": {"a": "2"}}), LiveDeletion()):
        with pytest.raises(ClusterUnreachable, match="holds the lease"):
            await fenced.edit(target, edit)

    assert {"a": "1"} == (await live(applier, settings))["data"]

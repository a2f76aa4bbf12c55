"""gRPC's methods about single live objects: what they say and do, and for whom."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.action import ObjectAction
from gitopsd.model.caller import Caller
from gitopsd.model.cluster import PodFacts
from gitopsd.model.edit import LiveDeletion, LivePatch, LivePatchType
from gitopsd.model.ids import AppName
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.usecases.auditing import done_by
from tests.api.grpcclient import client
from tests.api.grpcworld import APP, HELD, Refused, ann, world
from tests.api.serving import serving
from tests.core.lives import live_of
from tests.fakes.backend import FakeBackend

SHOP = AppName("shop")
POD: dict[str, Any] = {"name": "shop", "kind": "Pod", "resourceName": "web-1", "namespace": "shop"}
MORE = {"PatchResource": {"patch": "{}"}, **{f"RunResourceAction{v}": {"action": "restart"} for v in ("", "V2")}}


def with_a_pod(backend: FakeBackend) -> FakeBackend:
    live = live_of(ResourceKey("", "Pod", "shop", "web-1"), uid="web", pod=PodFacts(("nginx:1",), "", 0, 1, 1))
    backend.nodes = [TreeNode(GVK("", "v1", "Pod"), live, None)]
    backend.objects = {"web": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1"}}}
    backend.log_lines = [LogLine("web-1", text, "2026-01-31T12:00:00Z") for text in ("one", "two")]
    return backend


async def test_a_pod_is_told_and_its_log_line_by_line() -> None:
    backend = with_a_pod(world())
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        told = await caller.ask(f"{APP}/GetResource", name="shop", kind="Pod", resourceName="web-1", namespace="shop")
        stream = caller.stream(f"{APP}/PodLogs", name="shop", podName="web-1", tailLines=5, previous=True)
        lines = [line async for line in stream]

    assert "web-1" in told.manifest
    assert all(line.HasField("timeStamp") for line in lines)
    assert [("one", False), ("two", False), ("", True)] == [(line.content, line.last) for line in lines]
    assert [("web-1", LogQuery(tail=5, previous=True))] == backend.log_queries


async def test_a_pod_is_patched_and_deleted() -> None:
    backend = with_a_pod(world())
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        changed = await caller.ask(
            f"{APP}/PatchResource", **POD, patch='[{"op": "remove", "path": "/x"}]', patchType=LivePatchType.JSON.value
        )
        await caller.ask(f"{APP}/DeleteResource", **POD, force=True)
        with Refused as error:
            await caller.ask(f"{APP}/PatchResource", **POD, patch="{}", patchType="json")

    assert "web-1" in changed.manifest
    patch = LivePatch(LivePatchType.JSON, [{"op": "remove", "path": "/x"}])
    assert [(SHOP, "web", patch), (SHOP, "web", LiveDeletion(force=True))] == backend.edits
    assert grpc.StatusCode.INVALID_ARGUMENT == error.value.code()


@pytest.mark.parametrize("method", ["PatchResource", "DeleteResource", "RunResourceAction", "RunResourceActionV2"])
async def test_who_may_change_the_application_may_not_change_its_objects(method: str) -> None:
    backend = with_a_pod(world())
    rights = [("applications", action, "*/*") for action in ("get", "update", "delete", "sync")]
    async with ann(backend, *rights) as caller:
        with Refused as error:
            await caller.ask(f"{APP}/{method}", **POD, **MORE.get(method, {}))

    assert (grpc.StatusCode.PERMISSION_DENIED, [], []) == (error.value.code(), backend.edits, backend.acts)


async def test_actions_are_listed_and_run_with_and_without_parameters() -> None:
    backend = with_a_pod(world())
    backend.offered = [ObjectAction("scale", disabled=True, icon="fa", display_name="Scale", params=("replicas",))]
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        [action] = (await caller.ask(f"{APP}/ListResourceActions", **POD)).actions
        await caller.ask(f"{APP}/RunResourceAction", **POD, action="restart")
        params = [{"name": "replicas", "value": "3"}]
        await caller.ask(f"{APP}/RunResourceActionV2", **POD, action="scale", resourceActionParameters=params)

    assert ("scale", True, "fa", "Scale", ["replicas"]) == (
        action.name, action.disabled, action.iconClass, action.displayName, [param.name for param in action.params]
    )  # fmt: skip
    assert [("restart", {}), ("scale", {"replicas": "3"})] == [act[2:] for act in backend.acts]


async def test_logs_want_a_right_of_their_own() -> None:
    backend = with_a_pod(world())
    async with ann(backend, ("applications", "get", "*/*")) as caller:
        with Refused as error:
            await caller.stream(f"{APP}/PodLogs", name="shop", podName="web-1").read()

    assert grpc.StatusCode.PERMISSION_DENIED == error.value.code()


async def test_events_of_a_pod_and_of_the_application_are_told() -> None:
    backend = with_a_pod(world())
    backend.record(done_by(Caller("ann"), "sync", SHOP))
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        [of_pod] = (await caller.ask(f"{APP}/ListResourceEvents", name="shop", resourceUID="web")).items
        [of_app] = (await caller.ask(f"{APP}/ListResourceEvents", name="shop")).items

    assert "web" == of_pod.involvedObject.uid
    assert ("Sync", 1000, "ann: sync") == (of_app.reason, of_app.lastTimestamp.seconds, of_app.message)

"""What gRPC's methods say and do, and for whom."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from grpc import aio

from gitopsd.api.grpc.framing import framed
from gitopsd.core.target.sync_options import DELETION_APPROVED
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GVK
from gitopsd.model.operation import SyncRequest
from gitopsd.model.project import SyncWindow
from gitopsd.usecases.backend import ManagedResource, Manifests
from gitopsd.usecases.watching import ChangeFeed
from tests.api.grpcclient import client
from tests.api.grpcworld import APP, HELD, Refused, ann, world
from tests.api.serving import NOW_S, TOKEN, Api, serving
from tests.fakes.backend import REPO, app_view

SHOP, CART = AppName("shop"), AppName("cart")
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "aHVudGVyMg=="}}
METHODS: dict[str, dict[str, Any]] = {
    f"{APP}/List": {},
    f"{APP}/Get": {"name": "shop"},
    f"{APP}/Create": {"application": {"metadata": {"name": "shop"}}},
    f"{APP}/UpdateSpec": {"name": "shop"},
    f"{APP}/Patch": {"name": "shop", "patch": "{}", "patchType": "merge"},
    f"{APP}/Update": {"application": {"metadata": {"name": "shop"}}},
    f"{APP}/Delete": {"name": "shop"},
    f"{APP}/Sync": {"name": "shop"},
    f"{APP}/Rollback": {"name": "shop", "id": 1},
    f"{APP}/TerminateOperation": {"name": "shop"},
    f"{APP}/GetManifests": {"name": "shop"},
    f"{APP}/GetApplicationSyncWindows": {"name": "shop"},
    f"{APP}/ListResourceEvents": {"name": "shop"},
    f"{APP}/ManagedResources": {"applicationName": "shop"},
    f"{APP}/ResourceTree": {"applicationName": "shop"},
    f"{APP}/GetResource": {"name": "shop", "kind": "Pod", "resourceName": "web-1"},
    f"{APP}/PatchResource": {"name": "shop", "kind": "Pod", "resourceName": "web-1", "patch": "{}"},
    f"{APP}/DeleteResource": {"name": "shop", "kind": "Pod", "resourceName": "web-1"},
    f"{APP}/ListResourceActions": {"name": "shop", "kind": "Pod", "resourceName": "web-1"},
    f"{APP}/RunResourceAction": {"name": "shop", "kind": "Pod", "resourceName": "web-1", "action": "restart"},
    f"{APP}/RunResourceActionV2": {"name": "shop", "kind": "Pod", "resourceName": "web-1", "action": "restart"},
    "project.ProjectService/List": {},
    "project.ProjectService/Get": {"name": "default"},
    "project.ProjectService/GetDetailedProject": {"name": "default"},
    "project.ProjectService/CreateToken": {"project": "default", "role": "ci"},
    "project.ProjectService/DeleteToken": {"project": "default", "role": "ci", "iat": 1},
    "account.AccountService/CanI": {"resource": "applications", "action": "get", "subresource": "*/*"},
    "account.AccountService/UpdatePassword": {"name": "ann"},
    "account.AccountService/ListAccounts": {},
    "account.AccountService/GetAccount": {"name": "ann"},
    "account.AccountService/CreateToken": {"name": "ann"},
    "account.AccountService/DeleteToken": {"name": "ann", "id": "x"},
    "cluster.ClusterService/List": {},
    "cluster.ClusterService/Get": {"name": "c1"},
    "repository.RepositoryService/List": {},
    "repository.RepositoryService/ListRepositories": {},
    "repository.RepositoryService/Get": {"repo": REPO},
}
STREAMS: dict[str, dict[str, Any]] = {
    f"{APP}/Watch": {},
    f"{APP}/WatchResourceTree": {"applicationName": "shop"},
    f"{APP}/PodLogs": {"name": "shop", "podName": "web-1"},
}
OF_ONE_APPLICATION = [path for path, request in METHODS.items() if "shop" in request.values()]  # by its name


@pytest.mark.parametrize("path", [*METHODS, *STREAMS])
@pytest.mark.parametrize("metadata", [{}, {"token": "wrong"}, {"authorization": f"Basic {TOKEN}"}])
async def test_nobody_is_told_anything(path: str, metadata: dict[str, str]) -> None:
    async with serving(world()) as api, client(api.port, metadata=metadata) as caller:
        with Refused as error:
            if path in STREAMS:
                await caller.stream(path, **STREAMS[path]).read()
            else:
                await caller.ask(path, **METHODS[path])

    assert grpc.StatusCode.UNAUTHENTICATED == error.value.code()
    assert [("wrong" if metadata.get("token") else "none")] == api.refused


@pytest.mark.parametrize("path", OF_ONE_APPLICATION)
async def test_application_that_may_not_be_seen_is_answered_for_as_one_that_is_not_there(path: str) -> None:
    async with ann(world(), ("applications", "get", "retail/*")) as caller:
        answers = []
        for name in ("shop", "no-such"):
            field = "applicationName" if "applicationName" in METHODS[path] else "name"
            with Refused as error:
                await caller.ask(path, **{**METHODS[path], field: name})
            answers.append((error.value.code(), str(error.value.details()).replace(name, "NAME")))

    assert grpc.StatusCode.NOT_FOUND == answers[0][0]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("method", ["Sync", "Rollback", "TerminateOperation", "Delete"])
async def test_who_may_only_look_changes_nothing(method: str) -> None:
    backend = world()
    async with ann(backend, ("applications", "get", "*/*")) as caller:
        with Refused as error:
            await caller.ask(f"{APP}/{method}", **METHODS[f"{APP}/{method}"])

    assert grpc.StatusCode.PERMISSION_DENIED == error.value.code()
    assert backend.apps[SHOP].request is None


async def test_list_tells_what_may_be_seen_and_fits() -> None:
    async with ann(world(), ("applications", "get", "retail/*")) as caller:
        assert ["cart"] == [app.metadata.name for app in (await caller.ask(f"{APP}/List")).items]
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        assert ["cart", "shop"] == [app.metadata.name for app in (await caller.ask(f"{APP}/List")).items]
        assert ["shop"] == [app.metadata.name for app in (await caller.ask(f"{APP}/List", selector="team=a")).items]
        assert ["cart"] == [app.metadata.name for app in (await caller.ask(f"{APP}/List", projects=["retail"])).items]


async def test_list_is_the_same_when_it_is_asked_for_again_and_new_when_it_changed() -> None:
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        first, again = await caller.ask(f"{APP}/List"), await caller.ask(f"{APP}/List")
        backend.apps[SHOP] = app_view("shop")
        changed = await caller.ask(f"{APP}/List")

    assert first == again
    assert ("OutOfSync", "Synced") == (first.items[1].status.sync.status, changed.items[1].status.sync.status)


@pytest.mark.parametrize(
    "asked", [{"project": ["other"]}, {"projects": ["other"]}, {"appNamespace": "x"}, {"name": "Shop"}]
)
async def test_get_of_another_project_or_namespace_finds_nothing(asked: dict[str, Any]) -> None:
    backend = world()
    backend.apps[SHOP].application.manifest["metadata"]["namespace"] = "argocd"
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        assert (
            "shop"
            == (await caller.ask(f"{APP}/Get", name="shop", project=["default"], appNamespace="argocd")).metadata.name
        )
        with Refused as error:
            await caller.ask(f"{APP}/Get", **{"name": "shop", **asked})

    assert grpc.StatusCode.NOT_FOUND == error.value.code()


async def test_get_tells_what_rest_tells() -> None:
    async with serving(world()) as api, client(api.port, metadata={"authorization": f"Bearer {TOKEN}"}) as caller:
        app = await caller.ask(f"{APP}/Get", name="shop", refresh="hard")
        rest = await api.get("/api/v1/applications/shop")

    said = MessageToDict(app, preserving_proto_field_name=True)
    assert [("shop", True)] == api.backend.refreshed
    assert rest["spec"] == said["spec"]
    assert rest["status"]["sync"] == said["status"]["sync"]
    assert rest["status"]["health"] == said["status"]["health"]


async def test_sync_is_taken_up_in_the_name_of_the_caller() -> None:
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        answer = await caller.ask(
            f"{APP}/Sync",
            name="shop",
            revision="v1",
            prune=True,
            strategy={"hook": {"force": True}},
            syncOptions={"items": ["Replace=true"]},
            resources=[{"kind": "Service", "name": "web"}],
        )

    request = backend.apps[SHOP].request
    assert request is not None
    assert ("admin", NOW_S, ("v1",), True) == (request.initiated_by, request.asked_s, request.revisions, request.prune)
    assert (("Force", "true"), ("Replace", "true")) == request.options
    assert ["web"] == [key.name for key in request.resources]
    assert "admin" == answer.operation.initiatedBy.username


async def test_sync_of_local_manifests_is_refused_in_words() -> None:
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        with Refused as error:
            await caller.ask(f"{APP}/Sync", name="shop", manifests=["{}"])

    assert (grpc.StatusCode.UNIMPLEMENTED, True) == (error.value.code(), "commit" in str(error.value.details()))


async def test_rollback_names_an_entry_of_the_history() -> None:
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        await caller.ask(f"{APP}/Rollback", name="shop", id=7)

    assert {SHOP: 7} == backend.rolled_back


async def test_deletions_are_approved_by_who_may_update() -> None:
    backend = world()
    async with ann(backend, ("applications", "get", "*/*")) as caller:
        seen = MessageToDict(await caller.ask(f"{APP}/Get", name="shop"), preserving_proto_field_name=True)
        seen["metadata"]["annotations"] = {DELETION_APPROVED: "now"}
        with Refused as error:
            await caller.ask(f"{APP}/Update", application=seen)

    assert (grpc.StatusCode.PERMISSION_DENIED, {}) == (error.value.code(), backend.confirmed)


async def test_update_approves_deletions_and_nothing_else() -> None:
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        asked = {"metadata": {"name": "shop", "labels": {"team": "a"}}, "spec": (await spec_of(api))}
        approved = {**asked, "metadata": {**asked["metadata"], "annotations": {DELETION_APPROVED: "now"}}}
        await caller.ask(f"{APP}/Update", application=approved)
        moved = {**asked["spec"], "destination": {"name": "c2", "namespace": "shop"}}
        for other in (asked, {**approved, "spec": moved}, {**approved, "metadata": {"name": "shop"}}):
            with Refused as error:
                await caller.ask(f"{APP}/Update", application=other)
            assert "declared in Git" in str(error.value.details())

    assert {SHOP: NOW_S} == backend.confirmed


async def spec_of(api: Api) -> Any:
    return (await api.get("/api/v1/applications/shop"))["spec"]


@pytest.mark.parametrize(("asked", "cascade"), [({}, True), ({"cascade": False}, False)])
async def test_delete_takes_the_objects_too_unless_it_is_told_not_to(asked: dict[str, Any], cascade: bool) -> None:  # noqa: FBT001
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        await caller.ask(f"{APP}/Delete", name="shop", **asked)

    assert {SHOP: cascade} == backend.cascaded


async def test_operation_is_ended_where_one_is_asked_for() -> None:
    backend = world()
    backend.apps[SHOP] = replace(backend.apps[SHOP], request=SyncRequest())
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        await caller.ask(f"{APP}/TerminateOperation", name="shop")
        with Refused as error:
            await caller.ask(f"{APP}/TerminateOperation", name="shop")

    assert grpc.StatusCode.FAILED_PRECONDITION == error.value.code()


async def test_manifests_and_resources_hold_no_value_of_a_secret() -> None:
    backend = world()
    backend.rendered = Manifests([SECRET], ["a" * 40], "Directory", "shop", "https://c1.example")
    backend.managed = [
        ManagedResource(GVK("", "v1", "Secret"), "shop", "s", target=SECRET, live=SECRET),
        ManagedResource(GVK("apps", "v1", "Deployment"), "shop", "web"),
    ]
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        manifests = await caller.ask(f"{APP}/GetManifests", name="shop")
        managed = await caller.ask(f"{APP}/ManagedResources", applicationName="shop")
        one = await caller.ask(f"{APP}/ManagedResources", applicationName="shop", kind="Deployment")

    assert ("Directory", 1) == (manifests.sourceType, len(manifests.manifests))
    assert "aHVudGVyMg" not in str(manifests) + str(managed)
    assert "null" == managed.items[1].liveState
    assert ["web"] == [item.name for item in one.items]


async def test_sync_windows_are_told_with_what_they_say_now() -> None:
    backend = world()
    backend.sync_windows = [
        SyncWindow("deny", "* * * * *", 5400.0),
        SyncWindow("allow", "0 0 30 2 *", 60.0, manual=True),
    ]
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        told = await caller.ask(f"{APP}/GetApplicationSyncWindows", name="shop")
        rest = await api.get("/api/v1/applications/shop/syncwindows")

    assert [("deny", "1h30m", False), ("allow", "1m", True)] == [
        (window.kind, window.duration, window.manualSync) for window in told.assignedWindows
    ]
    assert (["deny"], False) == ([window.kind for window in told.activeWindows], told.canSync)
    assert "a sync window of the project denies it" in rest["refusal"]


async def test_watch_tells_all_and_then_what_changes() -> None:
    backend, changes = world(), ChangeFeed()
    async with serving(backend, changes=changes) as api, client(api.port, metadata=HELD) as caller:
        stream = caller.stream(f"{APP}/Watch", name="shop")
        first = await stream.read()
        backend.apps[SHOP] = app_view("shop")
        changes.changed(SHOP)
        second = await stream.read()
        del backend.apps[SHOP]
        changes.changed(SHOP)
        third = await stream.read()
        stream.cancel()

    assert ("ADDED", "OutOfSync") == (first.type, first.application.status.sync.status)
    assert ("MODIFIED", "Synced") == (second.type, second.application.status.sync.status)
    assert ("DELETED", "shop") == (third.type, third.application.metadata.name)


async def test_watch_of_a_tree_tells_it_at_once() -> None:
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        stream = caller.stream(f"{APP}/WatchResourceTree", applicationName="shop")
        assert [] == list((await stream.read()).nodes)
        stream.cancel()


async def test_stream_ends_when_its_token_does() -> None:
    tokens = [TOKEN]
    changes = ChangeFeed()
    async with (
        serving(world(), token=lambda: tokens[0], changes=changes) as api,
        client(api.port, metadata=HELD) as caller,
    ):
        stream = caller.stream(f"{APP}/Watch")
        await stream.read()
        await stream.read()
        tokens[0] = "another"
        while (event := await stream.read()) is not aio.EOF:
            assert event.type == "ADDED"

        assert grpc.StatusCode.OK == await stream.code()


async def test_projects_clusters_and_repositories_are_told() -> None:
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        assert ["default"] == [each.metadata.name for each in (await caller.ask("project.ProjectService/List")).items]
        assert (
            "default"
            == (await caller.ask("project.ProjectService/GetDetailedProject", name="default")).project.metadata.name
        )
        [cluster] = (await caller.ask("cluster.ClusterService/List")).items
        assert cluster == await caller.ask("cluster.ClusterService/Get", server="https://c1.example")
        assert ("c1", "Successful") == (cluster.name, cluster.connectionState.status)
        [repository] = (await caller.ask("repository.RepositoryService/ListRepositories")).items
        assert repository == await caller.ask("repository.RepositoryService/Get", repo=REPO)
        assert (REPO, "Successful") == (repository.repo, repository.connectionState.status)


async def test_grpc_web_takes_the_token_as_argo_cds_client_sends_it() -> None:
    web = {"Content-Type": "application/grpc-web-text", "Authorization": "", "token": TOKEN}
    async with serving(world()) as api:
        url = f"{api.url}/project.ProjectService/List"
        async with api.session.post(url, data=base64.b64encode(framed(b"")), headers=web) as answer:
            assert "grpc-status" not in answer.headers
        async with api.session.post(url, data=base64.b64encode(framed(b"")), headers={**web, "token": "x"}) as answer:
            assert "16" == answer.headers["grpc-status"]

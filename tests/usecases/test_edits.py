"""What is patched and deleted by hand: of whose, by whom, and what is told of it."""

from __future__ import annotations

import base64

import pytest

from gitopsd.errors import BadRequest, Conflict, GitopsError, NotFound, NotPermitted
from gitopsd.model.edit import LiveDeletion, LivePatch, LivePatchType
from gitopsd.model.ids import AppName, TrackingId
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.residents import HOLDERS
from gitopsd.usecases.edits import EditUseCases
from gitopsd.usecases.tree_objects import ObjectName
from tests.fakes.backend import FakeBackend, app_view
from tests.usecases.asking import ANN, uses_of
from tests.usecases.owning import DEPLOYMENT, GET, SHOP, may, node

PATCH = LivePatch(LivePatchType.MERGE, {"spec": {"paused": True}})
DELETION = LiveDeletion()


def world(*rules: tuple[str, str, str, str]) -> tuple[FakeBackend, EditUseCases]:
    backend = FakeBackend(app_view("shop", project="retail"))
    workload = node(ResourceKey("apps", "Deployment", "shop", "web"))
    pod = node(ResourceKey("", "Pod", "shop", "web-1"), workload, tracking=None)
    backend.nodes = [workload, pod]
    return backend, uses_of(backend, GET, *rules).edits


async def test_patch_is_done_and_written_down() -> None:
    backend, uses = world(may("update/apps/Deployment/shop/web"))
    backend.objects["Deployment-shop-web"] = {"kind": "Deployment", "spec": {"paused": True}}
    live = await uses.patch(ANN, SHOP, DEPLOYMENT, PATCH)

    assert {"paused": True} == live["spec"]
    assert [(SHOP, "Deployment-shop-web", PATCH)] == backend.edits
    [entry] = backend.audit_log
    assert ("ann", "patch-resource", SHOP, "apps/Deployment:shop/web") == (
        entry.who,
        entry.what,
        entry.app,
        entry.detail,
    )


async def test_what_a_controller_made_is_deleted_as_the_applications_own() -> None:
    backend, uses = world(may("delete//Pod/shop/web-1"))
    await uses.delete(ANN, SHOP, ObjectName("Pod", "web-1"), LiveDeletion(force=True))

    assert [(SHOP, "Pod-shop-web-1", LiveDeletion(force=True))] == backend.edits
    assert ["delete-resource"] == [entry.what for entry in backend.audit_log]


@pytest.mark.parametrize(
    "action",
    ["update", "delete", "sync", "update/apps/Deployment/shop/other", "update//Deployment/shop/web", "delete/apps/*"],
)
async def test_right_is_to_the_object_that_is_meant_and_to_what_is_done(action: str) -> None:
    backend, uses = world(may(action))
    with pytest.raises(NotPermitted, match="update/apps/Deployment/shop/web"):
        await uses.patch(ANN, SHOP, DEPLOYMENT, PATCH)
    assert ([], []) == (backend.edits, backend.audit_log)


async def test_right_is_that_of_the_object_that_was_found_whatever_the_request_says() -> None:
    backend, uses = world(may("delete//Pod//web-1"), may("delete//Pod/other/web-1"))
    for wanted in (ObjectName("Pod", "web-1"), ObjectName(uid="Pod-shop-web-1")):
        with pytest.raises(NotPermitted, match="delete//Pod/shop/web-1"):
            await uses.delete(ANN, SHOP, wanted, DELETION)
    assert [] == backend.edits


@pytest.mark.parametrize(
    "wanted",
    [
        ObjectName(),
        ObjectName("Pod"),
        ObjectName(name="web-1"),
        ObjectName("Pod", "web-2"),
        ObjectName("Pod", "web", "x"),
    ],
)
async def test_case_44_what_is_not_named_or_not_of_the_application_is_not_there(wanted: ObjectName) -> None:
    backend, uses = world(may("*"))
    with pytest.raises(NotFound, match="shop has no such object"):
        await uses.delete(ANN, SHOP, wanted, DELETION)
    assert [] == backend.edits


async def test_of_several_of_one_name_the_namespace_has_to_be_said() -> None:
    backend, uses = world(may("delete//Pod/b/web"))
    backend.nodes = [node(ResourceKey("", "Pod", namespace, "web")) for namespace in "ab"]
    with pytest.raises(BadRequest, match="in a, b"):
        await uses.delete(ANN, SHOP, ObjectName("Pod", "web"), DELETION)
    await uses.delete(ANN, SHOP, ObjectName("Pod", "web", "b"), DELETION)

    assert ["Pod-b-web"] == [uid for _, uid, _ in backend.edits]


CONFIG = ResourceKey("", "ConfigMap", "shop", "settings")


@pytest.mark.parametrize(
    "tracking", [None, TrackingId(AppName("bank"), CONFIG), TrackingId(SHOP, ResourceKey("", "Secret", "shop", "x"))]
)
async def test_object_that_git_names_and_another_one_has_is_left_alone(tracking: TrackingId | None) -> None:
    backend, uses = world(*(may(f"{action}//ConfigMap/shop/settings") for action in ("update", "delete")))
    backend.nodes = [node(CONFIG, tracking=tracking)]
    for ask in (
        uses.patch(ANN, SHOP, ObjectName("ConfigMap", "settings"), PATCH),
        uses.delete(ANN, SHOP, ObjectName("ConfigMap", "settings"), DELETION),
    ):
        with pytest.raises(Conflict, match="not shop's own"):
            await ask
    assert [] == backend.edits


async def test_what_an_own_object_owns_is_not_its_where_another_application_says_so() -> None:
    backend, uses = world(may("delete//ConfigMap/shop/settings"))
    backend.nodes = [*backend.nodes[:1], node(CONFIG, backend.nodes[0], tracking=TrackingId(AppName("bank"), CONFIG))]
    with pytest.raises(Conflict):
        await uses.delete(ANN, SHOP, ObjectName("ConfigMap", "settings"), DELETION)


@pytest.mark.parametrize("kind", sorted(HOLDERS))
async def test_what_others_live_in_is_patched_and_not_deleted(kind: GroupKind) -> None:
    backend, uses = world(*(may(f"{action}/{kind.group}/{kind.kind}//x") for action in ("update", "delete")))
    backend.nodes = [node(ResourceKey(kind.group, kind.kind, "", "x"))]
    wanted = ObjectName(kind.kind, "x", group=kind.group)
    await uses.patch(ANN, SHOP, wanted, PATCH)
    with pytest.raises(Conflict, match="would take along all that lives in it"):
        await uses.delete(ANN, SHOP, wanted, DELETION)

    assert [PATCH] == [edit for *_, edit in backend.edits]


async def test_patched_secret_is_answered_without_its_values() -> None:
    backend, uses = world(may("update//Secret/shop/login"))
    backend.nodes = [node(ResourceKey("", "Secret", "shop", "login"))]
    value = base64.b64encode(b"swordfish").decode()
    backend.objects["Secret-shop-login"] = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"p": value}}

    assert value not in str(await uses.patch(ANN, SHOP, ObjectName("Secret", "login"), PATCH))


@pytest.mark.parametrize(("name", "kind"), [("none", NotFound), ("bank", NotFound)])
async def test_application_that_may_not_be_seen_is_none(name: str, kind: type[GitopsError]) -> None:
    backend, uses = world(("ann", "applications", "delete/*", "*/*"))
    backend.apps[AppName("bank")] = app_view("bank", project="money")
    with pytest.raises(kind, match=f"there is no application {name}"):
        await uses.delete(ANN, AppName(name), ObjectName("Pod", "web-1"), DELETION)
    assert [] == backend.edits

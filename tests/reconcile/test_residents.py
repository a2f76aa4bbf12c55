"""Namespaces and definitions that leave Git while others live in them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import OperationCause, OperationPhase
from tests.reconcile.clusters import C2
from tests.reconcile.shell import CASCADE, Shell, app, config, config_key

PROD = ResourceKey("", "Namespace", "", "prod")
CARS = ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "cars.example.org")
MAKES: Any = {
    "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
    "syncOptions": ["CreateNamespace=true"],
}
PRUNES: Any = {"automated": {"prune": True, "selfHeal": True, "allowEmpty": True}}
SHOP = AppName("a")


def namespace(**annotations: str) -> Manifest:
    meta = {"name": "prod", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": "Active"}}


def definition() -> Manifest:
    spec = {"group": "example.org", "names": {"kind": "Car", "plural": "cars"}, "scope": "Namespaced"}
    kind = "CustomResourceDefinition"
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": kind, "metadata": {"name": CARS.name}, "spec": spec}


def car(name: str) -> Manifest:
    return {"apiVersion": "example.org/v1", "kind": "Car", "metadata": {"name": name, "namespace": "prod"}}


async def started(*apps: Manifest, files: Any) -> Shell:
    shell = Shell()
    shell.declare(*apps)
    shell.git.push(files)
    await shell.settle()
    assert {"Synced"} == {shell.sync_status(each["metadata"]["name"]) for each in apps}
    return shell


def foreign(shell: Shell, name: str = "theirs") -> None:
    shell.world.put(config(name, namespace="prod"))


def uid(shell: Shell, key: ResourceKey = PROD) -> str | None:
    found = shell.world.objects.get(key)
    return found["metadata"]["uid"] if found is not None else None


@pytest.mark.parametrize("objects", [{"apps/a/x": config("x")}, {}], ids=["with objects", "without"])
async def test_namespace_that_the_application_makes_itself_is_let_go_of(objects: Any) -> None:
    shell = await started(app("a", syncPolicy=MAKES), files={"apps/a/ns": namespace(), "apps/a/x": config("x")})
    foreign(shell)
    before = uid(shell)

    shell.git.push(objects)
    await shell.settle()

    assert (before, "Synced", "") == (uid(shell), shell.sync_status("a"), shell.status("a").waiting)
    assert {"theirs"} <= shell.names()


async def test_namespace_that_another_application_goes_to_is_kept() -> None:
    b = app("b", syncPolicy=MAKES)
    shell = await started(app("a", destination={"name": "c1", "namespace": "own"}), b, files={"apps/a/ns": namespace()})
    before = uid(shell)

    shell.git.push({})
    await shell.settle()

    assert (before, "OutOfSync") == (uid(shell), shell.sync_status("a"))
    assert "/Namespace:/prod: application b wants objects in it, and would go with it" in shell.status("a").waiting
    shell.apps.delete(AppName("b"), cascade=False)
    shell.line.add(SHOP)
    await shell.settle()
    assert (None, "Synced") == (uid(shell), shell.sync_status("a")), "b is gone, and with it what kept the namespace"


async def test_namespace_of_another_cluster_is_no_destination_of_it() -> None:
    shell = await started(app("a"), app("b", cluster="c2"), files={"apps/a/ns": namespace()})

    shell.git.push({})
    await shell.settle()

    assert uid(shell) is None
    assert PROD not in shell.clusters.worlds[C2].objects


async def test_namespace_goes_with_all_that_is_the_applications() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace(), "apps/a/x": config("x")})

    shell.git.push({})
    await shell.settle()

    assert (None, set(), "Synced") == (uid(shell), shell.names(), shell.sync_status("a"))


async def test_namespace_in_which_the_application_goes_on_to_have_objects_is_kept() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace(), "apps/a/x": config("x")})
    before = uid(shell)

    shell.git.push({"apps/a/x": config("x")})
    await shell.settle()

    assert before == uid(shell)
    assert "this application wants objects in it" in shell.status("a").waiting


async def test_namespace_in_which_somebody_lives_waits_for_a_persons_word() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace()})
    foreign(shell)
    shell.git.push({})
    await shell.settle()
    assert "/ConfigMap:prod/theirs lives in it" in shell.status("a").waiting

    shell.world.edit(PROD, "metadata", "annotations", "argocd.argoproj.io/sync-options", value="Prune=confirm")
    await shell.settle(for_s=30)
    assert "what is in it goes with it: /ConfigMap:prod/theirs" in shell.operation("a").message
    await shell.commands.confirm(SHOP, shell.clock())
    await shell.settle()

    assert (None, "Synced") == (uid(shell), shell.sync_status("a"))


async def test_what_came_while_the_others_went_is_seen_before_the_delete() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace(), "apps/a/x": config("x")})
    shell.clusters.on_prune = lambda _, key: foreign(shell) if key == config_key("x") else None

    shell.git.push({})
    await shell.settle()

    assert ({"theirs"}, True) == (shell.names(), uid(shell) is not None)


async def test_kind_that_cannot_be_read_may_live_there() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace()})
    shell.world.unreadable[config_key("x").group_kind] = "forbidden (403)"

    shell.git.push({})
    await shell.settle()

    assert uid(shell) is not None
    assert "what may live in it cannot be read: /ConfigMap: forbidden (403)" in shell.status("a").waiting


async def test_definition_goes_with_its_own_objects_and_stays_with_those_of_others() -> None:
    shell = await started(app("a"), files={"apps/a/crd": definition(), "apps/a/car": car("beetle")})
    shell.world.put(car("theirs"))

    shell.git.push({})
    await shell.settle()
    assert "example.org/Car:prod/theirs lives in it" in shell.status("a").waiting
    assert uid(shell, CARS) is not None

    shell.world.remove(ResourceKey("example.org", "Car", "prod", "theirs"))
    shell.line.add(SHOP)
    await shell.settle()
    assert (None, "Synced") == (uid(shell, CARS), shell.sync_status("a"))


async def test_application_that_is_deleted_leaves_the_namespace_in_which_somebody_lives() -> None:
    going = app("a", metadata=CASCADE)
    shell = await started(going, files={"apps/a/ns": namespace(), "apps/a/x": config("x")})
    foreign(shell)

    shell.apps.delete(SHOP, cascade=True)
    await shell.settle()

    assert ({"theirs"}, True, None) == (shell.names(), uid(shell) is not None, shell.apps.get(SHOP))
    (over,) = [each for each in shell.over if each.cause is OperationCause.DELETION]
    (task,) = [task for task in over.tasks if task.key == PROD]
    assert OperationPhase.SUCCEEDED is over.phase
    assert "Delete=confirm" in task.message


async def test_applications_that_are_deleted_together_leave_nothing() -> None:
    apps = [app("a", metadata=CASCADE), app("b", metadata=CASCADE)]
    shell = await started(*apps, files={"apps/a/ns": namespace(), "apps/b/x": config("x")})

    for each in apps:
        shell.apps.delete(AppName(each["metadata"]["name"]), cascade=True)
    await shell.settle()

    assert (None, set(), []) == (uid(shell), shell.names(), list(shell.apps.all()))


async def test_namespace_left_in_another_cluster_is_kept_for_those_who_live_there() -> None:
    shell = await started(app("a"), files={"apps/a/ns": namespace(), "apps/a/x": config("x")})
    foreign(shell)

    shell.declare(app("a", cluster="c2"))
    await shell.settle()
    shell.clusters.worlds[C2].edit(PROD, "status", value={"phase": "Active"})
    await shell.settle()

    assert ({"theirs"}, True) == (shell.names(), uid(shell) is not None)
    (condition,) = [each for each in shell.status("a").conditions if each.type == "LeftBehindWarning"]
    assert "/ConfigMap:prod/theirs lives in it" in condition.message


HOOKED = {"argocd.argoproj.io/hook": "PreSync"}


@pytest.mark.parametrize("policy", ["BeforeHookCreation", "HookSucceeded", "BeforeHookCreation,HookSucceeded"])
async def test_namespace_that_is_a_hook_is_neither_made_anew_nor_cleared_away_under_others(policy: str) -> None:
    marks = {**HOOKED, "argocd.argoproj.io/hook-delete-policy": policy}
    shell = Shell()
    shell.world.put({**namespace(**marks), "metadata": {"name": "prod", "annotations": marks}})
    foreign(shell)
    before = uid(shell)
    shell.declare(app("a", destination={"name": "c1", "namespace": "own"}))

    for value in ("1", "2"):
        shell.git.push({"apps/a/ns": namespace(**marks), "apps/a/x": config("x", value)})
        await shell.settle()
        assert ("Synced", before) == (shell.sync_status("a"), uid(shell))
    assert {"theirs", "x"} == shell.names()


async def test_namespace_that_is_a_hook_is_made_anew_where_nobody_lives() -> None:
    shell = Shell()
    shell.declare(app("a", destination={"name": "c1", "namespace": "own"}))
    uids = []
    for value in ("1", "2"):
        shell.git.push({"apps/a/ns": namespace(**HOOKED), "apps/a/x": config("x", value)})
        await shell.settle()
        uids.append(uid(shell))

    assert 2 == len(set(uids))


@pytest.mark.parametrize("lived_in", [True, False])
async def test_force_makes_nothing_anew_in_which_others_live(lived_in: bool) -> None:  # noqa: FBT001 - a case
    shell = await started(app("a"), files={"apps/a/crd": definition()})
    if lived_in:
        shell.world.put(car("theirs"))

    changed = {**definition(), "metadata": {"name": CARS.name, "labels": {"x": "y"}}}
    shell.declare(app("a", syncPolicy={**PRUNES, "syncOptions": ["Force=true"]}))
    shell.git.push({"apps/a/crd": changed})
    await shell.settle()

    assert (not lived_in) is shell.world.hows[-1].recreate

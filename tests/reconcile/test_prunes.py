"""What may go, and when: objects that move, that several want, and those of applications that are deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.clusters import C1, C2
from tests.reconcile.git import FakeGit, sha
from tests.reconcile.shell import Shell, app, config, config_key
from tests.reconcile.started import project, started, tracking

BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")
X = config_key("x")
REQUEST = SyncRequest(initiated_by="admin")


@pytest.mark.parametrize("first", ["a", "b"])
async def test_object_that_moves_to_another_application_in_one_commit_is_never_gone(first: str) -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/b/y": config("y")})
    uid = shell.world.objects[X]["metadata"]["uid"]
    shell.git.push({"apps/b/x": config("x"), "apps/b/y": config("y")})
    await shell.walk()
    await shell.pass_over(first)
    await shell.settle()

    assert (uid, "b") == (shell.world.objects[X]["metadata"]["uid"], tracking(shell, "x"))
    assert ("Synced", "Synced") == (shell.sync_status("a"), shell.sync_status("b"))


async def test_object_that_moves_to_an_application_declared_in_the_same_commit_is_never_gone() -> None:
    root = app("root", destination={"name": "gitopsd"})
    shell = await started(root, files={"apps/root/a": app("a"), "apps/a/x": config("x")})
    uid = shell.world.objects[X]["metadata"]["uid"]
    shell.git.push({"apps/root/a": app("a"), "apps/root/b": app("b"), "apps/b/x": config("x")})
    await shell.walk()
    await shell.pass_over("a")
    await shell.settle()

    assert (uid, "b") == (shell.world.objects[X]["metadata"]["uid"], tracking(shell, "x"))


async def test_object_moves_between_clusters() -> None:
    shell = await started(app("a"), app("b", cluster="c2"), files={"apps/a/x": config("x")})
    shell.git.push({"apps/b/x": config("x")})
    await shell.settle()

    assert (set(), {"x"}) == (shell.names(), shell.names(C2))


async def test_prune_waits_for_an_application_that_cannot_be_rendered_and_goes_on_when_it_can() -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/b/y": config("y")})
    shell.git.push({"apps/b/y": config("y"), "apps/b/broken": BROKEN})
    await shell.settle()

    assert {"x", "y"} == shell.names()
    assert "waits until it is known what b want" in shell.status("a").waiting
    shell.git.push({"apps/b/y": config("y")})
    await shell.settle()
    assert {"y"} == shell.names()


NAMELESS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"v": "1"}}


async def test_object_without_a_name_costs_itself_alone_and_holds_what_it_may_be() -> None:
    shell = await started(app("a"), app("b"), files={f"apps/a/{name}": config(name) for name in "wxy"})
    shell.git.push(
        {"apps/a/x": NAMELESS, "apps/a/y": config("y", "2"), "apps/a/z": config("z"), "apps/b/x": config("x")}
    )
    await shell.settle()

    assert {"w", "x", "y", "z"} == shell.names()
    assert {"value": "2"} == shell.world.objects[config_key("y")]["data"]
    assert "Unknown" == shell.sync_status("a")
    told = [each for each in shell.status("a").conditions if each.type == "ComparisonError"]
    assert [
        "apps/a/x:1: the object has no metadata.name: it is left out, and nothing is pruned until it has a name"
    ] == [each.message for each in told]
    assert "a" == tracking(shell, "x")  # which b does not take, since a may want it still

    shell.git.push({"apps/a/y": config("y", "2")})
    await shell.settle()
    assert ({"y"}, "Synced") == (shell.names(), shell.sync_status("a"))


async def test_application_without_a_name_takes_no_other_back() -> None:
    root = app("root", destination={"name": "gitopsd"})
    shell = await started(root, files={"apps/root/a": app("a"), "apps/a/x": config("x")})
    shell.git.push({"apps/root/a": {**app("a"), "metadata": {}}, "apps/a/x": config("x")})
    await shell.settle()

    assert "Unknown" == shell.sync_status("root")
    assert "Synced" == shell.sync_status("a")
    assert {"x"} == shell.names()


async def test_prune_waits_after_a_restart_until_every_application_has_a_target() -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/b/y": config("y")})
    shell.git.commit({"apps/b/x": config("x"), "apps/b/y": config("y")})
    again = Shell(shell.clock, shell.apps, FakeGit(shell.clock, commits=shell.git.commits), shell.clusters)
    again.git.fetched()
    await again.walk()
    await again.pass_over("a")

    assert {"x", "y"} == again.names()
    await again.settle()
    assert ({"x", "y"}, "b") == (again.names(), tracking(again, "x"))


async def test_barrier_is_looked_at_right_before_the_delete() -> None:
    shell = await started(
        app("a"), app("b"), files={"apps/a/x": config("x"), "apps/a/z": config("z"), "apps/b/y": config("y")}
    )
    shell.git.push({"apps/a/z": config("z", "2"), "apps/b/y": config("y")})
    await shell.walk()

    async def push_while_the_server_is_asked() -> None:
        if len(shell.git.commits) == 2:
            shell.git.push({"apps/a/z": config("z", "2"), "apps/b/x": config("x"), "apps/b/y": config("y")})

    shell.clusters.turn = push_while_the_server_is_asked
    await shell.pass_over("a")
    assert X in shell.world.objects
    await shell.settle()
    assert ({"x", "y", "z"}, "b") == (shell.names(), tracking(shell, "x"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"destination": {"name": "nowhere", "namespace": "prod"}},
        {"destination": {"name": "gitopsd"}},  # what it holds are no declarations
        {"project": "closed"},
    ],
)
async def test_application_that_may_go_nowhere_holds_up_nobody(wrong: Any) -> None:
    shell = Shell()
    shell.declare(project("closed", sourceRepos=["https://elsewhere.example.org/*"]), source="dir:/projects")
    shell.declare(app("a"), app("b", **wrong))
    shell.git.push({"apps/a/x": config("x"), "apps/b/y": config("y")})
    await shell.settle()
    shell.git.push({"apps/b/y": config("y", "2")})
    await shell.settle()

    assert set() == shell.names()
    assert "Unknown" == shell.sync_status("b")


async def test_paused_application_is_not_synced_and_what_it_wants_stays() -> None:
    paused = app("b", metadata={"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}})
    shell = await started(app("a"), paused, files={"apps/a/x": config("x"), "apps/a/y": config("y")})
    shell.git.push({"apps/b/x": config("x")})
    await shell.settle()

    assert ({"x"}, "a") == (shell.names(), tracking(shell, "x"))
    assert None is shell.apps.status(AppName("b"))


async def both_want() -> Shell:
    """Return a world in which `a` has an object that by now `b` wants too."""
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x", "before")})
    shell.git.push({"apps/a/x": config("x", "before"), "apps/b/x": config("x", "of b")})
    await shell.settle()
    shell.git.push({"apps/a/x": config("x", "of a"), "apps/b/x": config("x", "of b")})
    await shell.settle()
    return shell


def value(shell: Shell) -> str:
    found: str = shell.world.objects[X]["data"]["value"]
    return found


async def test_object_that_two_want_is_applied_by_neither_until_one_yields() -> None:
    shell = await both_want()

    assert "before" == value(shell)
    assert "application b wants it too" in shell.status("a").waiting
    assert ["SharedResourceWarning"] == [each.type for each in shell.status("b").conditions]
    shell.git.push({"apps/b/x": config("x", "of b")})
    await shell.settle()
    assert "of b" == value(shell)
    assert () == shell.status("b").conditions


@pytest.mark.parametrize("first", ["a", "b"])
@pytest.mark.parametrize("before", [{}, {"apps/a/y": config("y"), "apps/b/z": config("z")}])
async def test_object_that_two_want_from_one_commit_on_is_applied_by_neither(first: str, before: Any) -> None:
    shell = await started(app("a"), app("b"), files=before)
    both = {"apps/a/x": config("x", "of a"), "apps/b/x": config("x", "of b")}
    shell.git.push({**before, **both, "apps/a/w": config("w")})
    await shell.walk()
    await shell.pass_over(first)
    await shell.settle()

    assert X not in shell.world.objects
    assert "w" in shell.names()
    conditions = [each.type for name in ("a", "b") for each in shell.status(name).conditions]
    assert ["SharedResourceWarning"] * 2 == conditions
    shell.git.push({**before, "apps/b/x": config("x", "of b")})
    await shell.settle()
    assert "of b" == value(shell)


async def test_object_that_two_want_is_applied_by_neither_when_both_are_declared_with_it() -> None:
    root = app("root", destination={"name": "gitopsd"})
    shell = await started(root, files={})
    declared = {"apps/root/a": app("a"), "apps/root/b": app("b")}
    shell.git.push({**declared, "apps/a/x": config("x", "of a"), "apps/b/x": config("x", "of b")})
    await shell.settle()

    assert set() == shell.names()


async def test_new_object_does_not_wait_for_an_application_whose_pass_came_to_nothing() -> None:
    shell = await started(app("a"), app("b"), files={"apps/a/x": config("x"), "apps/b/broken": BROKEN})

    assert {"x"} == shell.names()


async def test_new_object_waits_for_others_of_the_commit_and_no_longer() -> None:
    shell = Shell()
    shell.declare(app("a"), app("b"))
    shell.git.push({"apps/a/x": config("x"), "apps/b/y": config("y")})
    await shell.walk()
    await shell.pass_over("a")

    assert set() == shell.names()
    assert "waits until it is known who else wants it" in shell.status("a").waiting
    await shell.pass_over("b")
    assert {"y"} == shell.names()
    await shell.settle(for_s=1.0)
    assert {"x", "y"} == shell.names()


async def test_object_that_two_want_is_applied_when_the_other_is_gone() -> None:
    shell = await both_want()
    shell.declare(app("a"))
    await shell.settle()

    assert "of a" == value(shell)


async def test_namespace_that_another_application_holds_is_not_contended_for() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    shell = await started(app("a"), app("b"), files={"apps/a/ns": namespace, "apps/b/x": config("x")})

    assert () == shell.status("b").conditions
    assert ("Synced", {"x"}) == (shell.sync_status("b"), shell.names())


@pytest.mark.words
async def test_what_an_application_may_not_have_is_not_contended_for() -> None:
    shell = Shell()
    shell.declare(project("narrow", destinations=[{"name": "c1", "namespace": "prod"}]), source="dir:/projects")
    shell.declare(app("a", project="narrow"), app("b"))
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}
    shell.git.push({"apps/a/role": role, "apps/a/x": config("x"), "apps/b/role": role})
    await shell.settle()

    assert "does not permit" in shell.status("a").conditions[0].message
    assert "Synced" == shell.sync_status("b")
    assert {AppName("a")} == shell.apps.wanted_by(C1, X), "the rest of it counts"


async def test_what_git_holds_counts_though_a_person_has_an_older_revision_synced() -> None:
    by_hand = app("a", syncPolicy={})
    shell = await started(by_hand, app("b"), files={"apps/a/y": config("y"), "apps/b/x": config("x")})
    shell.git.push({"apps/a/x": config("x"), "apps/a/y": config("y")})
    await shell.settle()
    await shell.commands.sync(AppName("a"), replace(REQUEST, revisions=(sha(0),)))
    await shell.pass_over("a")
    await shell.pass_over("b")

    assert X in shell.world.objects


async def test_live_object_that_the_project_does_not_permit_is_not_pruned() -> None:
    shell = await started(app("a"), files={"apps/a/x": config("x"), "apps/a/y": config("y")})
    shell.declare(
        project("default", namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}]), source="dir:/projects"
    )
    shell.git.push({})
    await shell.settle()

    assert {"x", "y"} == shell.names()

"""Applications of applications: what they declare, what they no longer hold, and what is noted of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.errors import Conflict
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.core.declaring import application_set
from tests.reconcile.git import sha
from tests.reconcile.shell import BY_HAND, CASCADE, Shell, app, config, config_key

ROOT = AppName("root")
ASKED = SyncRequest(initiated_by="admin")
HERE = {"destination": {"name": "gitopsd"}}


async def started(files: Any, **spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("root", **HERE, **spec))
    shell.git.push(files)
    await shell.settle()
    return shell


def declared(shell: Shell) -> set[str]:
    return {str(each.name) for each in shell.apps.all()} - {"root"}


async def test_what_git_declares_is_declared_and_synced() -> None:
    shell = await started({"apps/root/a": app("a"), "apps/a/x": config("x")})

    assert ({"a"}, {"x"}) == (declared(shell), shell.names())
    assert ("Synced", "1 declared") == (shell.sync_status("root"), shell.operation("root").message)


async def test_one_content_is_noted_once() -> None:
    shell = await started({"apps/root/a": app("a"), "apps/root/b": {**app("b"), "spec": {}}})
    for _ in range(3):
        await shell.pass_over("root")

    assert (1, OperationPhase.FAILED) == (len(shell.apps.history(ROOT)), shell.operation("root").phase)
    assert "1 declared, 1 not" in shell.operation("root").message


async def test_broken_declaration_is_told_and_touches_no_other() -> None:
    shell = await started({"apps/root/a": app("a"), "apps/root/b": {**app("b"), "spec": {}}})

    assert ({"a"}, "OutOfSync") == (declared(shell), shell.sync_status("root"))
    assert any("apps/root/b:1" in warning for warning in shell.status("root").comparison.warnings)


async def test_broken_declaration_holds_up_prunes_until_it_is_mended() -> None:
    # What it says may want the very object that another application drops in the same commit.
    files = {"apps/root/a": app("a"), "apps/a/x": config("x"), "apps/a/y": config("y")}
    shell = await started(files)
    moved = {"apps/root/a": app("a"), "apps/a/y": config("y"), "apps/b/x": config("x")}
    shell.git.push({**moved, "apps/root/b": {**app("b"), "spec": {}}})
    await shell.settle()
    uid = shell.world.objects[config_key("x")]["metadata"]["uid"]
    shell.git.push({**moved, "apps/root/b": app("b")})
    await shell.settle()

    assert uid == shell.world.objects[config_key("x")]["metadata"]["uid"]


async def test_what_git_no_longer_declares_goes_where_pruning_is_on() -> None:
    shell = await started({"apps/root/a": app("a", metadata=CASCADE), "apps/root/b": app("b"), "apps/a/x": config("x")})
    shell.git.push({"apps/root/b": app("b"), "apps/a/x": config("x")})
    await shell.settle()

    assert ({"b"}, set(), "Synced") == (declared(shell), shell.names(), shell.sync_status("root"))


async def test_what_git_no_longer_declares_is_shown_where_pruning_is_off() -> None:
    shell = await started(
        {"apps/root/a": app("a"), "apps/root/b": app("b")}, syncPolicy={"automated": {"prune": False}}
    )
    shell.git.push({"apps/root/b": app("b")})
    await shell.settle()

    assert ({"a", "b"}, "OutOfSync") == (declared(shell), shell.sync_status("root"))
    assert "Git does not hold it" in {each.reason for each in shell.status("root").comparison.resources}


async def test_nothing_at_all_is_taken_for_a_fault() -> None:
    shell = await started({"apps/root/a": app("a")})
    shell.git.push({})
    await shell.settle()

    assert {"a"} == declared(shell)


async def test_nothing_is_declared_where_nobody_said_so() -> None:
    shell = await started({"apps/root/a": app("a")}, **BY_HAND)

    assert (set(), "OutOfSync") == (declared(shell), shell.sync_status("root"))
    assert "automated sync is off" == shell.status("root").waiting


async def test_sync_by_hand_declares_once_and_is_noted() -> None:
    shell = await started({"apps/root/a": app("a")}, **BY_HAND)
    await shell.commands.sync(ROOT, ASKED)
    await shell.settle()

    assert ({"a"}, "admin", None) == (
        declared(shell),
        shell.operation("root").initiated_by,
        shell.apps.request(ROOT),
    )


async def test_dry_run_declares_nothing() -> None:
    shell = await started({"apps/root/a": app("a")}, **BY_HAND)
    await shell.commands.sync(ROOT, replace(ASKED, dry_run=True))
    await shell.settle()

    assert (set(), ()) == (declared(shell), shell.apps.history(ROOT))
    assert "dry run" in shell.operation("root").message


async def test_sync_of_one_declaration_leaves_the_others() -> None:
    shell = await started({"apps/root/a": app("a"), "apps/root/b": app("b")}, **BY_HAND)
    chosen = ResourceKey("argoproj.io", "Application", "", "b")
    await shell.commands.sync(ROOT, replace(ASKED, resources=(chosen,), prune=True))
    await shell.settle()

    assert {"b"} == declared(shell)


async def test_rollback_declares_what_was_declared_then() -> None:
    shell = await started({"apps/root/a": app("a")}, **BY_HAND)
    await shell.commands.sync(ROOT, ASKED)
    await shell.settle()
    shell.git.push({"apps/root/a": app("a", cluster="c2")})
    await shell.settle()
    await shell.commands.sync(ROOT, ASKED)
    await shell.settle()
    await shell.commands.rollback(ROOT, 1, ASKED)
    await shell.settle()

    held = shell.apps.get(AppName("a"))
    assert held is not None
    assert ("c1", (sha(0),)) == (held.destination.name, shell.operation("root").revisions)


async def test_project_limits_who_may_declare() -> None:
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "team"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"name": "gitopsd", "namespace": "*"}],
            "namespaceResourceBlacklist": [{"group": "argoproj.io", "kind": "AppProject"}],
        },
    }
    shell = Shell()
    shell.declare(project, app("root", project="team", **HERE))
    shell.git.push({"apps/root/p": {**project, "metadata": {"name": "mine"}}})
    await shell.settle()

    assert "does not permit" in shell.status("root").conditions[0].message
    assert None is shell.apps.project("mine")  # type: ignore[arg-type]


async def test_deletion_takes_back_what_was_declared() -> None:
    shell = await started({"apps/root/a": app("a", metadata=CASCADE), "apps/root/b": app("b"), "apps/a/x": config("x")})
    shell.apps.delete(ROOT, cascade=True)
    await shell.settle()

    assert ([], set()) == (list(shell.apps.all()), shell.names())


async def test_paused_application_of_applications_declares_nothing_and_holds_up_nobody() -> None:
    paused = {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}
    shell = Shell()
    shell.declare(app("root", metadata=paused, **HERE), app("c"))
    shell.git.push({"apps/root/a": app("a"), "apps/c/x": config("x")})
    await shell.settle()
    shell.git.push({"apps/root/a": app("a")})
    await shell.settle()

    assert ({"c"}, set()) == (declared(shell), shell.names())
    with pytest.raises(Conflict, match="left alone"):
        await shell.commands.sync(ROOT, ASKED)


def shops(*elements: Any) -> dict[str, Any]:
    return application_set({key: app("{{env}}")[key] for key in ("metadata", "spec")}, *elements)


async def test_set_declares_an_application_for_each_element_and_takes_back_what_is_removed() -> None:
    files = {f"apps/{name}/{name}": config(name) for name in "xyz"}
    shell = await started({"apps/root/set": shops({"env": "x"}, {"env": "y"}, {"env": "z"}), **files})

    assert ({"x", "y", "z"}, {"x", "y", "z"}) == (declared(shell), shell.names())
    assert ("Synced", "3 declared") == (shell.sync_status("root"), shell.operation("root").message)

    shell.git.push({"apps/root/set": shops({"env": "x"}, {"env": "y"}), **files})
    await shell.settle()

    assert ({"x", "y"}, {"x", "y"}) == (declared(shell), shell.names())


async def test_set_that_cannot_be_generated_takes_nothing_back_and_says_why() -> None:
    files = {f"apps/{name}/{name}": config(name) for name in "xyz"}
    shell = await started({"apps/root/set": shops({"env": "x"}, {"env": "y"}), **files})

    shell.git.push({"apps/root/set": shops({"env": "x"}, {"env": 5}, {"env": "z"}), **files})
    await shell.settle()

    assert ({"x", "y", "z"}, {"x", "y", "z"}) == (declared(shell), shell.names())
    assert not shell.apps.deleting(AppName("y"))
    assert any("elements[1].env" in warning for warning in shell.status("root").comparison.warnings)

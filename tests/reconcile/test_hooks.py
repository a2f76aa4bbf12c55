"""Hooks in passes: when they are run, what the watch tells of them, and what a restart makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.model.ids import AppName
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.reconcile.hooks import JOB, ends, job
from tests.reconcile.shell import CASCADE, ONCE, Shell, app, config, config_key

SHOP = AppName("shop")


async def synced(**fields: Any) -> Shell:
    """Return a shell whose application has one object and one hook, run to its end."""
    shell = Shell()
    shell.declare(app("shop", **fields))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await shell.settle(for_s=60)
    assert JOB in shell.world.objects
    ends(shell)
    await shell.settle()
    assert OperationPhase.SUCCEEDED is shell.operation("shop").phase
    return shell


def runs(shell: Shell) -> int:
    return len([call for call in shell.world.calls if call == f"apply {JOB}"])


async def test_objects_wait_for_the_hook_before_them() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})

    await shell.settle(for_s=60)
    before = shell.names()
    ends(shell)
    await shell.settle()

    assert (set(), {"a"}) == (before, shell.names())
    assert "Synced" == shell.sync_status("shop")
    assert [] == shell.world.objects[JOB]["metadata"]["finalizers"]


async def test_hook_is_no_part_of_what_is_in_sync() -> None:
    shell = await synced()

    shell.world.remove(JOB)
    await shell.settle()

    assert "Synced" == shell.sync_status("shop")
    assert [config_key("a")] == [each.pair.key for each in shell.status("shop").comparison.resources]
    assert 1 == runs(shell)


async def test_self_heal_runs_no_hook() -> None:
    shell = await synced()

    shell.world.remove(config_key("a"))
    await shell.settle()

    assert ({"a"}, 1) == (shell.names(), runs(shell))


async def test_new_content_runs_the_hook_again() -> None:
    shell = await synced()

    shell.git.push({"apps/shop/a": config("a", "2"), "apps/shop/job": job()})
    await shell.settle(for_s=60)
    ends(shell)
    await shell.settle()

    assert (2, OperationPhase.SUCCEEDED) == (runs(shell), shell.operation("shop").phase)


async def test_sync_of_some_objects_runs_no_hook() -> None:
    shell = await synced()

    await shell.commands.sync(SHOP, SyncRequest(resources=(config_key("a"),)))
    await shell.settle()

    assert 1 == runs(shell)


async def test_sync_that_a_person_asks_for_runs_it_though_nothing_differs() -> None:
    shell = await synced()

    await shell.commands.sync(SHOP, SyncRequest())
    await shell.settle(for_s=60)
    ends(shell)
    await shell.settle()

    assert (2, OperationPhase.SUCCEEDED) == (runs(shell), shell.operation("shop").phase)


async def test_mended_hook_replaces_the_failed_one_at_once() -> None:
    shell = Shell()
    shell.declare(app("shop", **ONCE))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await shell.settle(for_s=60)
    ends(shell, "Failed")
    await shell.settle()
    failed = shell.operation("shop")

    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job("migrate:2")})
    await shell.settle(for_s=60)
    ends(shell)
    await shell.settle()

    assert (OperationPhase.FAILED, True) == (failed.phase, "so it is" in failed.message)
    assert {"a"} == shell.names()


async def test_new_content_does_not_wait_for_a_hook_that_runs() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await shell.settle(for_s=60)
    old = shell.world.objects[JOB]["metadata"]["uid"]

    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job("migrate:2")})
    await shell.settle(for_s=60)

    assert old != shell.world.objects[JOB]["metadata"]["uid"]


async def test_hook_that_ends_while_the_daemon_is_down_has_ended() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await shell.settle(for_s=60)

    ends(shell)
    again = shell.restarted()
    await again.settle()

    assert (OperationPhase.SUCCEEDED, 1) == (again.operation("shop").phase, runs(again))


async def test_terminating_removes_the_hook_that_runs() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/job": job()})
    await shell.settle(for_s=60)

    await shell.commands.terminate(SHOP)
    await shell.settle()

    assert JOB not in shell.world.objects
    assert OperationPhase.FAILED is shell.operation("shop").phase


async def test_deleted_application_takes_its_hooks_with_it() -> None:
    shell = await synced(metadata=CASCADE)

    await shell.commands.delete(SHOP, cascade=True)
    await shell.settle()

    assert {} == shell.world.objects


@pytest.mark.parametrize("kinds", [[{"group": "batch", "kind": "Job"}], [{"group": "*", "kind": "*"}]])
@pytest.mark.words
async def test_hook_of_a_kind_that_the_project_forbids_is_not_run(kinds: Any) -> None:
    shell = Shell()
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"name": "*", "server": "*", "namespace": "*"}],
        "namespaceResourceBlacklist": kinds,
    }
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "tight", "namespace": "argocd"},
        "spec": spec,
    }
    shell.declare(project, app("shop", project="tight"))
    shell.git.push({"apps/shop/job": job()})
    await shell.settle()

    assert {} == shell.world.objects
    assert "Job" in shell.status("shop").conditions[0].message


async def test_what_the_cluster_says_of_a_failed_hook_is_asked_before_it_goes_and_is_kept_masked() -> None:
    shell = Shell()
    shell.witness.lines = ["log of Pod migrate: no such user hunter22"]
    shell.declare(app("shop", **ONCE))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"p": "hunter22"}}
    policy = {"argocd.argoproj.io/hook-delete-policy": "HookFailed"}
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/s": secret, "apps/shop/job": job(**policy)})
    await shell.settle(for_s=60)

    ends(shell, "Failed")
    await shell.settle(for_s=60)

    (task,) = [task for task in shell.operation("shop").tasks if task.key == JOB]
    (kept,) = [task for task in shell.apps.results(SHOP, 1) if task.key == JOB]
    assert ("log of Pod migrate: no such user ++++++++",) == task.evidence == kept.evidence
    assert (1, False) == (len(shell.witness.asked), JOB in shell.world.objects)


async def test_sync_by_apply_alone_runs_no_hook() -> None:
    shell = await synced()

    await shell.commands.sync(SHOP, SyncRequest(hooks=False, asked_s=1.0))
    await shell.settle()

    assert (1, OperationPhase.SUCCEEDED) == (runs(shell), shell.operation("shop").phase)

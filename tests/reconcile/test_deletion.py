"""Deleting an application with hooks: what is run when, how often, and what holds it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gitopsd.model.application import Mode
from gitopsd.model.command import Refused
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import OperationPhase
from tests.reconcile.shell import CASCADE, Shell, app, config, config_key

SHOP = AppName("shop")
POLICY = "argocd.argoproj.io/hook-delete-policy"
PRE = {"argocd.argoproj.io/hook": "PreDelete"}
POST = {"argocd.argoproj.io/hook": "PostDelete"}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}


def key(name: str) -> ResourceKey:
    return ResourceKey("batch", "Job", "prod", name)


def job(name: str, annotations: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": dict(annotations)},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "job:1"}]}}},
    }


async def shop(
    pre: Mapping[str, str] | None = PRE, post: Mapping[str, str] | None = POST, *, namespace: bool = True, **meta: Any
) -> Shell:
    """Return a shell whose application is in sync, with an object and a hook before and after its deletion."""
    shell = Shell()
    if namespace:
        shell.world.put(NAMESPACE)
    shell.declare(app("shop", metadata=CASCADE))
    files: dict[str, Manifest] = {"apps/shop/a": config("a", **meta)}
    files |= {"apps/shop/pre": job("pre", pre)} if pre else {}
    files |= {"apps/shop/post": job("post", post)} if post else {}
    shell.git.push(files)
    await shell.settle(for_s=60)
    assert (True, set()) == (shell.names() == {"a"}, jobs(shell))
    return shell


def jobs(shell: Shell) -> set[str]:
    return {key.name for key in shell.world.objects if key.kind == "Job"}


def runs(shell: Shell, name: str) -> int:
    return shell.world.calls.count(f"apply {key(name)}")


def ends(shell: Shell, name: str, how: str = "Complete") -> None:
    shell.world.edit(key(name), "status", value={"conditions": [{"type": how, "status": "True", "message": "so"}]})


async def deleted(shell: Shell, for_s: float = 60) -> None:
    await shell.commands.delete(SHOP, cascade=True)
    await shell.settle(for_s=for_s)


async def test_hooks_are_run_before_and_after_the_objects_go() -> None:
    shell = await shop()

    await deleted(shell)
    first = (shell.names(), jobs(shell))
    ends(shell, "pre")
    await shell.settle(for_s=60)
    second = (shell.names(), jobs(shell), shell.apps.get(SHOP) is None)
    ends(shell, "post")
    await shell.settle(for_s=60)

    assert ({"a"}, {"pre"}) == first
    assert (set(), {"post"}, False) == second
    assert (None, {"post"}) == (shell.apps.get(SHOP), jobs(shell))
    assert [] == shell.world.objects[key("post")]["metadata"]["finalizers"]
    assert (1, 1) == (runs(shell, "pre"), runs(shell, "post"))


@pytest.mark.parametrize("post", [{**POST, POLICY: "HookSucceeded"}, {"helm.sh/hook": "post-delete"}])
async def test_hook_after_goes_where_its_policy_says_so(post: Mapping[str, str]) -> None:
    helm = "helm.sh/hook" in post
    shell = await shop({"helm.sh/hook": "pre-delete"} if helm else None, post)

    await deleted(shell)
    if helm:
        ends(shell, "pre")
        await shell.settle(for_s=60)
    ends(shell, "post")
    await shell.settle(for_s=60)

    assert (None, {"post"} if helm else set()) == (shell.apps.get(SHOP), jobs(shell))


async def test_hooks_are_those_of_the_last_target_though_git_has_lost_them() -> None:
    shell = await shop()

    shell.git.push({"elsewhere": config("b")})
    await deleted(shell)

    assert ({"a"}, {"pre"}) == (shell.names(), jobs(shell))


async def test_hook_that_fails_keeps_everything_and_is_run_again_later() -> None:
    shell = await shop(post=None)

    await deleted(shell)
    ends(shell, "pre", "Failed")
    await shell.settle(for_s=1)
    failed = shell.status("shop")
    await shell.settle(for_s=60)
    before = shell.names()
    ends(shell, "pre")
    await shell.settle(for_s=60)

    assert failed.operation is not None
    assert (OperationPhase.FAILED, {"a"}) == (failed.operation.phase, before)
    assert (2, None) == (runs(shell, "pre"), shell.apps.get(SHOP))


async def test_deletion_that_fails_rests_longer_each_time() -> None:
    shell = await shop(pre=None, post=None)
    no = Refused(config_key("a"), 403, "no", retryable=False)
    shell.world.answers[config_key("a")] = [no] * 100

    await deleted(shell, for_s=1000)

    tries = shell.world.calls.count(f"prune {config_key('a')}")
    assert 5 <= tries <= 8


@pytest.mark.parametrize("hook", ["pre", "post"])
async def test_hook_that_runs_when_the_daemon_is_killed_is_run_once(hook: str) -> None:
    shell = await shop()
    await deleted(shell)
    if hook == "post":
        ends(shell, "pre")
        await shell.settle(for_s=60)

    again = shell.restarted()
    await again.settle(for_s=60)
    for name in ("pre", "post")[hook == "post" :]:
        ends(again, name)
        again = again.restarted()
        await again.settle(for_s=60)

    assert (1, 1, None) == (runs(again, "pre"), runs(again, "post"), again.apps.get(SHOP))


async def test_hook_that_has_ended_well_is_not_run_again_with_a_deletion_that_failed() -> None:
    shell = await shop()
    shell.world.answers[config_key("a")] = [Refused(config_key("a"), 403, "no", retryable=False)]

    await deleted(shell)
    ends(shell, "pre")
    await shell.settle(for_s=60)
    ends(shell, "post")
    await shell.settle(for_s=60)

    assert (1, 1, None) == (runs(shell, "pre"), runs(shell, "post"), shell.apps.get(SHOP))


async def test_hook_after_waits_for_an_object_that_may_not_go_yet() -> None:
    shell = await shop(pre=None, annotations={"argocd.argoproj.io/sync-options": "Delete=confirm"})

    await deleted(shell, for_s=5000)

    assert ({"a"}, set()) == (shell.names(), jobs(shell))


async def test_hook_whose_namespace_is_gone_holds_up_nothing() -> None:
    shell = await shop(namespace=False)

    await deleted(shell)

    assert (None, set(), set()) == (shell.apps.get(SHOP), shell.names(), jobs(shell))


async def test_hook_of_a_kind_that_is_gone_holds_up_nothing() -> None:
    shell = await shop(post=None)
    shell.world.unserved.add(key("pre").group_kind)

    await deleted(shell)

    assert (None, set()) == (shell.apps.get(SHOP), shell.names())


async def test_hooks_are_not_run_in_observe_mode() -> None:
    shell = await shop()
    observing = shell.restarted(mode=Mode.OBSERVE)

    await deleted(observing)

    assert ({"a"}, set()) == (observing.names(), jobs(observing))


async def test_deletion_without_its_objects_runs_no_hook() -> None:
    shell = await shop()

    await shell.commands.delete(SHOP, cascade=False)
    await shell.settle(for_s=60)

    assert (None, {"a"}, set()) == (shell.apps.get(SHOP), shell.names(), jobs(shell))


async def test_running_hook_that_a_person_ends_is_removed_and_run_again_later() -> None:
    shell = await shop(post=None)
    await deleted(shell)

    await shell.commands.terminate(SHOP)
    await shell.settle(for_s=1)
    removed = jobs(shell)
    await shell.settle(for_s=60)

    assert (set(), {"a"}, {"pre"}) == (removed, shell.names(), jobs(shell))


async def test_deletion_that_waits_for_a_person_goes_on_when_it_is_approved() -> None:
    shell = await shop(annotations={"argocd.argoproj.io/sync-options": "Delete=confirm"})
    await deleted(shell)
    ends(shell, "pre")
    await shell.settle(for_s=60)
    before = shell.names()

    await shell.commands.confirm(SHOP, shell.clock())
    await shell.settle(for_s=60)
    ends(shell, "post")
    await shell.settle(for_s=60)

    assert ({"a"}, set(), None) == (before, shell.names(), shell.apps.get(SHOP))

"""What servers and people do to a sync at every write of it: it goes on, or ends and says why."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.errors import ClusterUnreachable, TooSlow
from gitopsd.model.cluster import WatchAge
from gitopsd.model.command import Refused
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import OperationPhase, SyncRequest
from tests.reconcile.clusters import C1
from tests.reconcile.shell import ONCE, Shell, app, config, config_key

SHOP = AppName("shop")
HOOK = "argocd.argoproj.io/hook"
LATER = {"argocd.argoproj.io/sync-wave": "1"}
WRITTEN = {
    "hook": ResourceKey("batch", "Job", "prod", "before"),
    "first wave": config_key("a"),
    "second wave": config_key("b"),
    "prune": config_key("old"),
}


def job(name: str, phase: str) -> Manifest:
    meta = {"name": name, "annotations": {HOOK: phase, f"{HOOK}-delete-policy": "HookSucceeded"}}
    template = {"spec": {"containers": [{"name": "main", "image": "job:1"}]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}}


def content(value: str) -> dict[str, Manifest]:
    return {
        "apps/shop/before": job("before", "PreSync"),
        "apps/shop/a": config("a", value),
        "apps/shop/b": config("b", value, annotations=LATER),
        "apps/shop/after": job("after", "PostSync"),
    }


async def begun() -> Shell:
    """Return a shell that has one object, which the next content drops."""
    shell = Shell()
    shell.declare(app("shop", **ONCE))
    shell.git.push({"apps/shop/old": config("old")})
    await shell.settle(for_s=60)
    return shell


async def live_on(shell: Shell, *, rounds: int = 6) -> None:
    """Let everything happen, with hooks that end well."""
    for _ in range(rounds):
        await shell.settle(for_s=400)
        for key, live in list(shell.world.objects.items()):
            if key.kind == "Job" and "status" not in live:
                shell.world.edit(key, "status", value={"conditions": [{"type": "Complete", "status": "True"}]})


def applied(shell: Shell, name: str) -> int:
    return shell.world.calls.count(f"apply {ResourceKey('batch', 'Job', 'prod', name)}")


@pytest.mark.parametrize("write", WRITTEN)
@pytest.mark.parametrize("answer", [409, 429, 500, 503, ClusterUnreachable, TooSlow])
async def test_what_passes_by_itself_is_tried_again_until_it_is_done(write: str, answer: Any) -> None:
    shell = await begun()
    key = WRITTEN[write]
    failure = Refused(key, answer, "no", retryable=True) if isinstance(answer, int) else answer("no", remedy="wait")
    shell.world.answers[key] = [failure] * 2

    shell.git.push(content("1"))
    await live_on(shell)

    assert (OperationPhase.SUCCEEDED, {"a", "b"}) == (shell.operation("shop").phase, shell.names())
    assert (3 if write == "hook" else 1, 1) == (applied(shell, "before"), applied(shell, "after"))


@pytest.mark.parametrize("write", WRITTEN)
@pytest.mark.parametrize("code", [400, 403, 422])
async def test_what_does_not_pass_ends_the_sync_with_the_servers_words_and_mended_content_goes_on(
    write: str, code: int
) -> None:
    shell = await begun()
    shell.world.answers[WRITTEN[write]] = [Refused(WRITTEN[write], code, "exceeded quota: pods", retryable=False)]
    shell.git.push(content("1"))
    await live_on(shell)
    failed = shell.operation("shop")

    shell.git.push(content("2"))
    await live_on(shell)

    assert (OperationPhase.FAILED, True) == (failed.phase, f"exceeded quota: pods ({code})" in failed.message)
    assert (OperationPhase.SUCCEEDED, {"a", "b"}) == (shell.operation("shop").phase, shell.names())


async def test_cluster_that_is_lost_in_mid_wave_is_gone_on_with_when_it_is_back() -> None:
    shell = await begun()
    shell.git.push(content("1"))
    await shell.settle(for_s=60)
    well = shell.world.age_value
    shell.world.age_value = WatchAge(synced=True, oldest_s=0.0, failing=(), error="connection refused")
    shell.triggers.cluster(C1)
    await live_on(shell, rounds=1)
    lost = (shell.sync_status("shop"), shell.operation("shop").phase, shell.names())

    shell.world.age_value = well
    shell.triggers.cluster(C1)
    await live_on(shell)

    assert ("Unknown", OperationPhase.RUNNING, {"old"}) == lost
    assert (OperationPhase.SUCCEEDED, {"a", "b"}) == (shell.operation("shop").phase, shell.names())
    assert (1, 1) == (applied(shell, "before"), applied(shell, "after"))


@pytest.mark.parametrize("passes", range(1, 9))
async def test_person_may_end_a_sync_in_whatever_state_it_is(passes: int) -> None:
    shell = await begun()
    shell.git.push(content("1"))
    await shell.walk()
    for number in range(passes):
        await shell.pass_over("shop")
        shell.clock.now_s += 1
        if number % 2:
            for key in [key for key, live in shell.world.objects.items() if key.kind == "Job" and "status" not in live]:
                shell.world.edit(key, "status", value={"conditions": [{"type": "Complete", "status": "True"}]})
    running = not shell.operation("shop").phase.over
    if running:
        await shell.commands.terminate(SHOP)
        await shell.pass_over("shop")
        await shell.pass_over("shop")
        assert OperationPhase.FAILED is shell.operation("shop").phase
        assert not [key for key, live in shell.world.objects.items() if live["metadata"].get("finalizers")]
        await shell.commands.sync(SHOP, SyncRequest(prune=True, asked_s=1.0, initiated_by="ann"))
    await live_on(shell)

    assert (OperationPhase.SUCCEEDED, {"a", "b"}) == (shell.operation("shop").phase, shell.names())

"""Drift while a sync waits for something else, and drift of very many objects at once."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.model.command import Accepted
from gitopsd.model.ids import ResourceVersion
from gitopsd.model.manifest import Manifest, ResourceKey
from tests.reconcile.shell import Shell, config, config_key
from tests.reconcile.syncing import calls, started

X, OLD = config_key("x"), config_key("old")
WAVE = "argocd.argoproj.io/sync-wave"
WEB = ResourceKey("apps", "Deployment", "prod", "web")
MANY = 60


def deployment(wave: str = "0") -> Manifest:
    meta = {"name": "web", "annotations": {WAVE: wave}, "generation": 1}
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 0, "availableReplicas": 0}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 1}, "status": status}


async def waiting_for_a_wave(**spec: Any) -> Shell:
    """Return a shell whose sync waits for a Deployment, before it may write what comes after that."""
    shell = await started({"apps/shop/x": config("x")}, **spec)
    late = config("late", annotations={WAVE: "1"})
    shell.git.push({"apps/shop/x": config("x"), "apps/shop/web": deployment(), "apps/shop/late": late})
    await shell.settle(for_s=60)
    assert (True, {"x"}) == (not shell.operation("shop").phase.over, shell.names())
    return shell


async def test_object_of_the_running_wave_that_is_deleted_is_applied_again() -> None:
    shell = await waiting_for_a_wave()
    shell.world.remove(WEB)
    await shell.settle(for_s=5)

    assert WEB in shell.world.objects
    assert not shell.operation("shop").phase.over


async def test_it_is_applied_again_where_nothing_heals_by_itself_too() -> None:
    shell = await waiting_for_a_wave(syncPolicy={"automated": {}})
    shell.world.remove(WEB)
    shell.world.edit(X, "data", "value", value="edited")
    await shell.settle(for_s=60)

    assert WEB in shell.world.objects
    assert "edited" == shell.world.objects[X]["data"]["value"]


async def test_object_of_the_running_wave_that_is_mended_lets_the_sync_go_on() -> None:
    shell = await waiting_for_a_wave()
    shell.world.edit(WEB, "status", value={**deployment()["status"], "updatedReplicas": 1, "availableReplicas": 1})
    await shell.settle(for_s=60)

    assert ({"x", "late"}, "Synced") == (shell.names(), shell.sync_status("shop"))


@pytest.mark.parametrize("edit", [True, False])
async def test_what_the_wave_does_not_hold_is_healed_meanwhile(edit: bool) -> None:  # noqa: FBT001 - a case
    shell = await waiting_for_a_wave()
    if edit:
        shell.world.edit(X, "data", "value", value="edited")
    else:
        shell.world.remove(X)
    await shell.settle(for_s=5)

    assert "1" == shell.world.objects[X]["data"]["value"]
    assert ({"x"}, False) == (shell.names(), shell.operation("shop").phase.over)


async def test_what_a_prune_does_not_hold_is_healed_while_that_waits_for_a_finalizer() -> None:
    shell = await started({"apps/shop/x": config("x"), "apps/shop/old": config("old")})
    shell.world.answers[OLD] = [Accepted(OLD, changed=True, resource_version=ResourceVersion("9"))]
    shell.git.push({"apps/shop/x": config("x")})
    await shell.settle(for_s=60)
    assert "still being deleted" in shell.operation("shop").message

    for place in range(3):
        shell.world.edit(X, "data", "value", value=f"edited {place}")
        await shell.settle(for_s=400)
        assert "1" == shell.world.objects[X]["data"]["value"]
    assert not shell.operation("shop").phase.over


async def test_burst_of_deletions_is_healed_as_fast_as_its_first() -> None:
    files = {f"apps/shop/{place}": config(f"x{place}") for place in range(MANY)}
    shell = await started(files)
    await shell.settle(for_s=600)
    begun_s = shell.clock()

    for place in range(MANY):
        shell.world.remove(config_key(f"x{place}"))
        await shell.settle(for_s=1)
    await shell.settle(for_s=6)

    assert {f"x{place}" for place in range(MANY)} == shell.names()
    assert shell.clock() - begun_s <= MANY + 6


async def test_what_fights_does_not_slow_down_the_healing_of_others() -> None:
    shell = await started({"apps/shop/x": config("x"), "apps/shop/y": config("y")})
    await shell.settle(for_s=600)
    for _ in range(200):
        shell.world.edit(X, "data", "value", value="edited")
        await shell.settle(for_s=1)
    assert 5 > len(calls(shell, f"apply {X}"))

    shell.world.remove(config_key("y"))
    await shell.settle(for_s=6)

    assert {"x", "y"} == shell.names()

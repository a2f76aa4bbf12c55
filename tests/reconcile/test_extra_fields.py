"""What people add is left alone, counted, or taken away: as the application or the object asks."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.target.sync_options import EXTRA_FIELDS
from gitopsd.errors import ClusterRefused
from gitopsd.model.drift import DriftEnd, WriterClass
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import Shell, app, config, config_key

KEY = config_key("a")


def asks(wish: str) -> dict[str, Any]:
    return {"annotations": {EXTRA_FIELDS: wish}}


async def synced(wish: str = "", objects: str = "", **spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("shop", metadata=asks(wish) if wish else {}, **spec))
    shell.git.push({"apps/shop/a": config("a", **(asks(objects) if objects else {}))})
    await shell.settle()
    assert "Synced" == shell.sync_status("shop")
    return shell


def add(shell: Shell, name: str = "added", manager: str = "kubectl-edit") -> None:
    """Add a field as somebody else."""
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z"}
    shell.world.edit(KEY, "metadata", "managedFields", value=[{**entry, "fieldsV1": {"f:data": {f"f:{name}": {}}}}])
    shell.world.edit(KEY, "data", name, value="x")


def state(shell: Shell) -> tuple[str, int, bool]:
    """Return the sync status, how many fields are extra, and whether what was added is there."""
    (compared,) = shell.status("shop").comparison.resources
    return shell.sync_status("shop"), len(compared.extra), "added" in shell.world.objects[KEY]["data"]


async def test_nobody_asks_so_nothing_is_read() -> None:
    shell = await synced()
    before = list(shell.world.reads)

    add(shell)
    await shell.settle()

    assert ("Synced", 0, True) == state(shell)
    assert before == shell.world.reads


async def test_shown_it_is_counted_and_left() -> None:
    shell = await synced("show")

    add(shell)
    await shell.settle()

    assert ("Synced", 1, True) == state(shell)
    assert {} == shell.ledger.entries


async def test_an_object_is_read_once_for_each_version() -> None:
    shell = await synced("show")
    add(shell)
    await shell.settle()
    read = len(shell.world.reads)

    for _ in range(3):
        shell.line.add(AppName("shop"))
        await shell.settle()

    assert read == len(shell.world.reads)


async def test_healed_it_goes_and_the_ledger_says_who_added_it() -> None:
    shell = await synced("heal")

    add(shell)
    await shell.settle()

    assert ("Synced", 0, False) == state(shell)
    (entry,) = shell.ledger.entries.values()
    assert (".data.added", "kubectl-edit", DriftEnd.HEALED) == (entry.path, entry.writer, entry.end)
    assert WriterClass.HUMAN is entry.by


async def test_without_self_heal_it_is_out_of_sync_until_a_person_syncs() -> None:
    shell = await synced("heal", syncPolicy={"automated": {}})
    add(shell)
    await shell.settle()
    assert ("OutOfSync", 1, True) == state(shell)

    await shell.commands.sync(AppName("shop"), SyncRequest(initiated_by="alice"))
    await shell.settle()

    assert ("Synced", 0, False) == state(shell)


@pytest.mark.parametrize(("wish", "objects", "gone"), [("", "heal", True), ("heal", "ignore", False)])
async def test_what_an_object_asks_comes_before_its_application(wish: str, objects: str, *, gone: bool) -> None:
    shell = await synced(wish, objects)

    add(shell)
    await shell.settle()

    assert ("Synced", 0, not gone) == state(shell)


async def test_what_a_controller_adds_is_nobodys_business() -> None:
    shell = await synced("heal")

    add(shell, manager="some-controller")
    await shell.settle()

    assert ("Synced", 0, True) == state(shell)


async def test_what_is_added_after_every_heal_is_fought_over_and_left() -> None:
    shell = await synced("heal")

    for _ in range(4):
        add(shell)
        await shell.settle()

    assert ("OutOfSync", 1, True) == state(shell)
    (fight,) = [each for each in shell.status("shop").conditions if each.type == "FightWarning"]
    assert ".data.added" in fight.message


async def test_a_word_that_an_object_does_not_mean_is_told() -> None:
    shell = await synced("", "remove")

    (told,) = [each for each in shell.status("shop").conditions if each.type == "SyncOptionWarning"]
    assert EXTRA_FIELDS in told.message


async def test_what_cannot_be_read_for_it_is_unknown() -> None:
    shell = await synced("show")

    shell.world.refuses_reads = ClusterRefused("forbidden", remedy="grant it")
    add(shell)
    await shell.settle()

    assert "Unknown" == shell.sync_status("shop")

"""What others change is written down, from when it is seen until it is right again; who fights is left alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitopsd.model.drift import Drift, DriftEnd, WriterClass
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import Shell, app, config, config_key

KEY = config_key("a")
SHOP = AppName("shop")
NO_HEAL: Any = {"syncPolicy": {"automated": {"prune": True}}}


def managed(manager: str) -> list[Any]:
    fields: Any = {"f:data": {"f:value": {}}}
    return [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsV1": fields,
        }
    ]


def content(other: str, value: str = "1") -> Any:
    return {**config("a"), "data": {"value": value, "other": other}}


async def synced(**spec: Any) -> Shell:
    shell = Shell()
    shell.declare(app("shop", **spec))
    shell.git.push({"apps/shop/a": content("1")})
    await shell.settle()
    assert "Synced" == shell.sync_status("shop")
    return shell


def edit(shell: Shell, value: str, manager: str = "kubectl-edit") -> None:
    shell.world.edit(KEY, "metadata", "managedFields", value=managed(manager))
    shell.world.edit(KEY, "data", "value", value=value)


def told(shell: Shell) -> list[tuple[Any, ...]]:
    return [(each.path, each.new, each.end) for each in shell.ledger.entries.values()]


def only(shell: Shell) -> Drift:
    (entry,) = shell.ledger.entries.values()
    return entry


def live(shell: Shell) -> Any:
    return shell.world.objects[KEY]["data"]["value"]


async def fought(shell: Shell) -> None:
    """Have another writer come back after every heal, until it is left alone."""
    for turn in range(4):
        edit(shell, f"hpa-{turn}", "hpa")
        await shell.settle()


def warnings(shell: Shell) -> list[str]:
    return [each.message for each in shell.status("shop").conditions if each.type == "FightWarning"]


async def test_application_in_sync_writes_nothing_down() -> None:
    shell = await synced()

    shell.git.push({"apps/shop/a": content("2")})
    await shell.settle()

    assert {} == shell.ledger.entries


async def test_healed_edit_is_told_with_its_writer_and_its_end() -> None:
    shell = await synced()
    was = live(shell)

    edit(shell, "drifted")
    await shell.settle()

    entry = only(shell)
    assert ((".data.value", "drifted"), was, DriftEnd.HEALED) == ((entry.path, entry.new), entry.old, entry.end)
    assert ("kubectl-edit", WriterClass.HUMAN) == (entry.writer, entry.by)
    assert entry.ended_s is not None
    assert entry.began_s <= entry.ended_s
    assert shell.operation("shop").id == entry.operation


async def test_drift_that_is_not_healed_stays_open_until_a_person_syncs() -> None:
    shell = await synced(**NO_HEAL)
    edit(shell, "drifted")
    await shell.settle()

    assert [(".data.value", "drifted", None)] == told(shell)
    assert [only(shell)] == list(shell.drift.open())
    await shell.commands.sync(SHOP, SyncRequest(initiated_by="alice"))
    await shell.settle()
    assert DriftEnd.SYNCED is only(shell).end


@pytest.mark.parametrize(
    ("what", "end"), [("revert", DriftEnd.REVERTED), ("commit", DriftEnd.SUPERSEDED), ("forget", DriftEnd.FORGOTTEN)]
)
async def test_drift_ends_without_us_too(what: str, end: DriftEnd) -> None:
    shell = await synced(**NO_HEAL)
    was = live(shell)
    edit(shell, "drifted")
    await shell.settle()

    if what == "revert":
        edit(shell, was)
    elif what == "commit":
        shell.git.push({"apps/shop/a": content("2")})
    else:
        shell.drift.forget(SHOP)
    await shell.settle()

    assert end is only(shell).end


async def test_second_change_of_the_same_field_is_an_entry_of_its_own() -> None:
    shell = await synced(**NO_HEAL)

    for value in ("one", "two"):
        edit(shell, value)
        await shell.settle()

    assert [(".data.value", "one", DriftEnd.OVERWRITTEN), (".data.value", "two", None)] == told(shell)


async def test_deleted_object_has_drifted_as_a_whole() -> None:
    shell = await synced()

    shell.world.remove(KEY)
    await shell.settle()

    assert [(".", "(absent)", DriftEnd.HEALED)] == told(shell)


async def test_open_entry_ends_after_a_restart() -> None:
    shell = await synced(**NO_HEAL)
    edit(shell, "drifted")
    await shell.settle()

    again = shell.restarted()
    await again.commands.sync(SHOP, SyncRequest(initiated_by="alice"))
    await again.settle()

    assert DriftEnd.SYNCED is only(again).end


async def test_field_that_is_fought_over_is_left_alone_and_both_writers_are_named() -> None:
    shell = await synced()

    await fought(shell)

    assert "hpa-3" == live(shell)
    (warning,) = warnings(shell)
    assert "gitopsd and hpa" in warning
    assert ".data.value" in warning
    assert "OutOfSync" == shell.sync_status("shop")
    assert [DriftEnd.HEALED] * 3 + [None] == [each.end for each in shell.ledger.entries.values()]
    assert "see the conditions" in shell.status("shop").waiting


async def test_other_fields_of_a_fought_object_are_healed() -> None:
    shell = await synced()
    await fought(shell)

    shell.world.edit(KEY, "data", "other", value="drifted")
    await shell.settle()

    assert ("hpa-3", "1") == (live(shell), shell.world.objects[KEY]["data"]["other"])
    assert 1 == len(warnings(shell))


async def test_fight_is_known_after_a_restart() -> None:
    shell = await synced()
    await fought(shell)

    again = shell.restarted()
    await again.walk()

    assert "hpa-3" == live(again)
    assert 1 == len(warnings(again))


async def test_sync_by_hand_heals_again_and_the_count_begins_anew() -> None:
    shell = await synced()
    was = live(shell)
    await fought(shell)

    await shell.commands.sync(SHOP, SyncRequest(initiated_by="alice"))
    await shell.settle()
    assert was == live(shell)
    assert [] == warnings(shell)
    edit(shell, "hpa-9", "hpa")
    await shell.settle()

    assert was == live(shell)


async def test_new_content_ends_a_fight() -> None:
    shell = await synced()
    await fought(shell)

    shell.git.push({"apps/shop/a": content("2", "new")})
    await shell.settle()

    assert "new" == live(shell)
    assert [] == warnings(shell)


async def test_who_comes_back_after_a_long_rest_does_not_fight() -> None:
    shell = await synced()

    for turn in range(6):
        edit(shell, f"{turn}", "hpa")
        await shell.settle()
        shell.clock.now_s += 4000.0
        await shell.settle()

    assert [] == warnings(shell)


async def test_who_writes_faster_than_we_look_is_counted_too() -> None:
    shell = await synced()
    world, tell = shell.world, shell.world.on_change

    def at_once(name: AppName) -> None:
        if live(shell) != "hpa":
            asyncio.get_running_loop().call_soon(edit, shell, "hpa", "hpa")
        tell(name)

    world.on_change = at_once
    edit(shell, "hpa", "hpa")
    await shell.settle()

    assert 1 == len(warnings(shell))
    assert 3 == sum(each.end is DriftEnd.HEALED for each in shell.ledger.entries.values())

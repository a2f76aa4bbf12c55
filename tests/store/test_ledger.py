"""The drift ledger: what is added stays as it was, in bounds; nothing of it stops the daemon."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsd.model.comparison import Writer
from gitopsd.model.drift import Drift, DriftEnd, DriftQuery, WriterClass
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.runtime.tasks import running
from gitopsd.store.ledger import MOST_WAITING, Ledger

NOW_S = 1_000_000.0
KEY = ResourceKey("apps", "Deployment", "shop", "web")
EDIT = (Writer("kubectl-edit", "Update", NOW_S - 1, "scale", certain=False),)


def ledger(path: Path, **bounds: Any) -> Ledger:
    found = Ledger(path, lambda: NOW_S, **{"max_entries": 1000, "max_age_s": 1e6} | bounds)
    found.recent(0.0)
    return found


def entry(number: int, **changed: Any) -> Drift:
    plain = Drift(
        number, AppName("shop"), ClusterId("c1"), KEY, ".spec.replicas", 3, {"a": None}, TargetHash("t"), NOW_S,
        WriterClass.HUMAN, EDIT,
    )  # fmt: skip
    return replace(plain, **changed)


def over(number: int, **changed: Any) -> Drift:
    return entry(number, **{"ended_s": NOW_S + 5, "end": DriftEnd.HEALED, "operation": "op"} | changed)


async def numbers(held: Ledger, **wanted: Any) -> list[int]:
    return [each.id for each in await held.query(DriftQuery(**wanted))]


async def test_nothing_is_opened_before_the_first_entry(tmp_path: Path) -> None:
    held = ledger(tmp_path)

    assert [] == await numbers(held)
    assert not held.path.exists()


async def test_entry_is_read_as_it_was_written_and_then_as_it_ended(tmp_path: Path) -> None:
    held = ledger(tmp_path)

    held.append([entry(1)])
    assert entry(1) == await held.entry(1)
    held.append([over(1)])

    assert over(1) == await held.entry(1)
    assert None is await held.entry(2)


async def test_what_was_written_is_never_changed(tmp_path: Path) -> None:
    held = ledger(tmp_path)
    held.append([entry(1)])
    await held.query(DriftQuery())
    held.append([over(1), over(1, end=DriftEnd.REVERTED, new="forged", began_s=0.0)])

    assert over(1) == await held.entry(1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"limit": 2}, [5, 4]),
        ({"before": 3}, [2, 1]),
        ({"app": "shop"}, [4, 3, 2, 1]),
        ({"cluster": "c2"}, [2]),
        ({"writer": "hpa"}, [3]),
        ({"writer": "kubectl-*"}, [5, 4, 2, 1]),
        ({"by": WriterClass.CONTROLLER}, [3]),
        ({"open": True}, [5, 3, 2, 1]),
        ({"since_s": NOW_S + 10}, [5, 3, 2, 1]),  # what is so still counts
        ({"until_s": NOW_S - 1}, [1]),
        ({"app": "shop", "cluster": "c1", "open": True, "limit": 1}, [3]),
        ({"app": "'; DROP TABLE drift; --"}, []),
    ],
)
async def test_entries_are_found_by(tmp_path: Path, wanted: Any, found: list[int]) -> None:
    held = ledger(tmp_path)
    scaler = {"by": WriterClass.CONTROLLER, "writers": (Writer("hpa", "Update", None),)}
    others = entry(1, began_s=NOW_S - 100), entry(2, cluster=ClusterId("c2")), entry(3, **scaler), over(4)
    held.append([*others, entry(5, app=AppName("other"))])

    assert found == await numbers(held, **wanted)


async def test_ledger_is_bounded_by_count_and_by_age(tmp_path: Path) -> None:
    few, young = tmp_path / "few", tmp_path / "young"
    few.mkdir()
    young.mkdir()
    bounded, fresh = ledger(few, max_entries=3), ledger(young, max_age_s=100.0)

    for held in (bounded, fresh):
        held.append([over(number, ended_s=NOW_S - 300 + 50 * number) for number in range(1, 8)])

    assert [7, 6, 5] == await numbers(bounded)
    assert [7, 6, 5, 4] == await numbers(fresh)


async def test_restart_finds_what_is_open_and_what_ended_lately_and_counts_on(tmp_path: Path) -> None:
    before = ledger(tmp_path)
    async with running(before):
        await asyncio.sleep(0)  # it runs
        before.append([over(before.new_id(), ended_s=NOW_S - 500), over(before.new_id()), entry(before.new_id())])

    after = Ledger(tmp_path, lambda: NOW_S, max_entries=1000, max_age_s=1e6)

    assert [over(2), entry(3)] == after.recent(NOW_S - 100)
    assert 4 == after.new_id()


async def test_damaged_ledger_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "drift.db").write_bytes(b"no database" * 1000)

    held = ledger(tmp_path)
    held.append([entry(1)])

    assert [1] == await numbers(held)
    assert (tmp_path / "drift.damaged").exists()


async def test_entries_wait_while_the_disk_does_not_take_them(tmp_path: Path) -> None:
    held = ledger(tmp_path)
    held.path = tmp_path / "not-there" / "drift.db"
    held.append([entry(1)])
    assert not await held.flush()
    held.append(entry(number) for number in range(2, MOST_WAITING + 12))
    held.path = tmp_path / "drift.db"

    assert MOST_WAITING + 11 == (await numbers(held, limit=1))[0]
    assert 11 == held.dropped

"""A store that told in words how operations stand is opened: each of them ends as it would have."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from gitopsd.model.ids import AppName
from gitopsd.model.operation import EndReason, OperationCause, WaitReason
from gitopsd.store import Store
from gitopsd.store.schema import STEPS, migrate
from tests.store.worded import CASES, ending

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "testdata" / "operations-v4.json").read_text())
WORDED = 4  # the version of the store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of today, made of one of that version with every operation."""
    directory = tmp_path_factory.mktemp("store")
    path = directory / "gitopsd.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        migrate(database, path, STEPS[:WORDED])
        for name, each in STORED.items():
            row = name, each["stored"]["id"], orjson.dumps(each["stored"])
            database.execute("INSERT INTO operations VALUES (?, ?, ?)", row)
    opened = Store(directory, lambda: 1000.0)
    yield opened
    opened.close()


def test_every_state_was_stored() -> None:
    assert CASES.keys() == STORED.keys()
    states = {(task["state"], bool(task["message"])) for each in STORED.values() for task in each["stored"]["tasks"]}
    assert {"Pending", "Issued", "Applied", "Failed"} == {state for state, _ in states}
    assert {("Pending", True), ("Pending", False), ("Applied", True), ("Applied", False)} < states


@pytest.mark.parametrize("name", STORED)
def test_stored_operation_ends_as_it_would_have(store: Store, name: str) -> None:
    operation = store.operation(AppName(name))
    assert operation is not None
    here, _ = CASES[name]()

    assert STORED[name]["ends"] == json.loads(orjson.dumps(ending(here, operation)))


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("put_off_by_a_window", EndReason.WINDOW),
        ("stopped_by_mode", EndReason.OBSERVE),
        ("superseded", EndReason.SUPERSEDED),
        ("terminated", EndReason.TERMINATED),
        ("revision_gone", EndReason.REVISION_GONE),
        ("request_refused", EndReason.REFUSED),
        ("new", None),
    ],
)
def test_why_an_operation_ended_is_read_from_its_words(store: Store, name: str, end: EndReason | None) -> None:
    operation = store.operation(AppName(name))

    assert operation is not None
    assert end is operation.end


def test_flags_become_one_cause(store: Store) -> None:
    stored = {each: store.operation(AppName(each)) for each in STORED}
    causes = {operation.cause for operation in stored.values() if operation is not None}

    assert set(OperationCause) == causes


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("gate_shut", [WaitReason.GATE, None]),
        ("refused_for_now", [WaitReason.REFUSED]),
        ("claimed", [None, WaitReason.CLAIMED]),
        ("prune_that_waits", [None, WaitReason.KEPT]),
        ("hook_before_which_another_goes", [WaitReason.DELETING, None]),
    ],
)
def test_what_a_task_waits_for_is_read_from_its_words(store: Store, name: str, waits: list[WaitReason | None]) -> None:
    operation = store.operation(AppName(name))

    assert operation is not None
    assert waits == [task.wait for task in operation.tasks]

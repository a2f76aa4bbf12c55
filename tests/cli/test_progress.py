"""What is told of a sync while it runs, for states that come in any order."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.cli.progress import Progress


def state(operation: str, message: str, done: int) -> dict[str, Any]:
    """Return an application whose sync has come so far."""
    progress = {"done": done, "of": 2, "phase": "Sync"}
    running = {"phase": "Running", "message": message, "syncResult": {"resources": []}}
    return {"status": {"gitopsd": {"operationId": operation, "progress": progress}, "operationState": running}}


def test_state_that_comes_again_is_told_once_for_each_sync(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("shop", None)
    first, second = state("1", "it waits", 0), state("1", "it goes on", 1)

    for each in (first, second, first, second, state("2", "it waits", 0)):
        progress.show(each)

    told = capsys.readouterr().err.splitlines()
    waits, goes_on = "shop: 0 of 2, Sync: it waits", "shop: 1 of 2, Sync: it goes on"
    assert [waits, goes_on, waits] == told


def test_sync_that_says_nothing_yet_is_not_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    Progress("shop", None).show(state("1", "", 0))

    assert "" == capsys.readouterr().err

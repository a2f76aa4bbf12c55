"""The drift ledger in memory."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.model.drift import Drift


class FakeLedger:
    """Implements `ports.DriftLedger`; tests read `entries`, by id."""

    def __init__(self) -> None:
        self.entries: dict[int, Drift] = {}

    def new_id(self) -> int:
        return len(self.entries) + 1

    def append(self, entries: Iterable[Drift]) -> None:
        self.entries |= {entry.id: entry for entry in entries}

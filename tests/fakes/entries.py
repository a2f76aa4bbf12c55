"""What renders are kept in, as a mapping."""

from __future__ import annotations

from collections.abc import Sequence


class FakeEntries:
    """`manifests.entries.Entries` that forgets nothing."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, names: Sequence[str]) -> list[bytes | None]:
        return [self.kept.get(name) for name in names]

    async def put(self, name: str, value: bytes) -> None:
        self.kept[name] = value

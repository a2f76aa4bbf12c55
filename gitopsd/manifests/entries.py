"""What a renderer keeps between renders, and where nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Entries(Protocol):
    """Entries by name; `cache.Cache` is one."""

    async def get(self, names: Sequence[str]) -> list[bytes | None]:
        """Return what was put under each of `names`; None for a miss."""
        ...

    async def put(self, name: str, value: bytes) -> None: ...


class NoEntries:
    """Keeps nothing: for one render, of which nobody asks for the next."""

    async def get(self, names: Sequence[str]) -> list[bytes | None]:
        return [None] * len(names)

    async def put(self, name: str, value: bytes) -> None:
        """Forget it."""

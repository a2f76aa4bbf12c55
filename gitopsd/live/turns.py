"""Turns at what is dear while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PATIENCE_S = 1.0


class Turns:
    """At most `at_once` at a time, as a rule: who has waited `patience_s` goes on all the same.

    So clusters that stall in the middle of theirs can slow the others a little, and no more.
    """

    def __init__(self, at_once: int, patience_s: float = PATIENCE_S) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._patience_s = patience_s

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn and hold it for the block, or until what is given is called."""
        held = await self._taken()

        def done() -> None:
            nonlocal held
            if held:
                held = False
                self._slots.release()

        try:
            yield done
        finally:
            done()

    async def _taken(self) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._slots.acquire()
        except TimeoutError:
            return False
        return True

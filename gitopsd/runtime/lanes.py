"""How many pieces of work go on at once; one that waits for something slow leaves its lane to another meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

PATIENCE_S = 0.1  # a wait that is shorter keeps its lane

_lane: ContextVar[Lane | None] = ContextVar("lane", default=None)


class Lanes:
    """`at_once` lanes."""

    def __init__(self, at_once: int) -> None:
        self._room = asyncio.Semaphore(at_once)

    async def free(self) -> Lane:
        """Wait for a lane, and take it; it is to be closed."""
        lane = Lane(self._room)
        await lane.enter()
        return lane


class Lane:
    """A lane that a piece of work has, and leaves while it waits."""

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._held = False

    def drive(self) -> None:
        """Have `stepping_aside` leave this lane, in this task and those that it starts."""
        _lane.set(self)

    async def enter(self) -> None:
        if not self._held:
            await self._room.acquire()
            self._held = True

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._room.release()


@asynccontextmanager
async def stepping_aside(patience_s: float = PATIENCE_S) -> AsyncIterator[None]:
    """Leave the lane, where this work has one, to others once the block takes longer than `patience_s`.

    After the block it waits for a lane again. After an error it does not: there is only the error to be told.
    """
    lane = _lane.get()
    if lane is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(patience_s, lane.leave)
    try:
        yield
    finally:
        timer.cancel()
    await lane.enter()

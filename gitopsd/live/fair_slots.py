"""Turns at what is dear while it lasts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PATIENCE_S = 1.0
PAGES_AT_ONCE = 8  # some 4 MB as text, and several times that while it is parsed
STREAMS_AT_ONCE = 32  # the buffers of one are 0.3 MB, and its objects are parsed as they come


class FairSlots:
    """At most `at_once` go on at a time, whatever others do.

    Who has not gone on for `patience_s` loses its turn to one who waits, and has to wait for another before it goes
    on, ahead of those who have not begun: so clusters that stall in the middle of theirs hold up nobody, and what they
    hold does not grow.
    """

    def __init__(self, at_once: int, patience_s: float = PATIENCE_S) -> None:
        self._free = at_once
        self._patience_s = patience_s
        self._holders: dict[Slot, float] = {}  # when each last went on, in that order
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Slot]:
        """Wait for a turn and hold it for the block, or until it is `done`."""
        turn = Slot(self)
        await self.take(turn)
        try:
            yield turn
        finally:
            turn.done()

    def holds(self, turn: Slot) -> bool:
        return turn in self._holders

    def note(self, turn: Slot) -> None:
        """Take note that a holder goes on."""
        self._holders.pop(turn, None)
        self._holders[turn] = asyncio.get_running_loop().time()

    async def take(self, turn: Slot, *, begun: bool = False) -> None:
        """Wait for a turn; one that has `begun` goes first."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
        else:
            await self._called(first=begun)
        self.note(turn)

    def give_back(self, turn: Slot) -> None:
        if self._holders.pop(turn, None) is not None:
            self._free += 1
            self._call()

    async def _called(self, *, first: bool) -> None:
        """Wait until one has been freed for us, by its holder or from one that stalls."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.insert(0 if first else len(self._waiting), waiter)
        try:
            while not waiter.done():
                await asyncio.wait([waiter], timeout=self._patience_s)
                self._take_from_stalled()
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._free += 1  # we were called, and do not come
                self._call()
            raise

    def _take_from_stalled(self) -> None:
        since_s = asyncio.get_running_loop().time() - self._patience_s
        for turn, went_on_s in list(self._holders.items()):
            if went_on_s > since_s or not self._waiting:
                return
            self.give_back(turn)

    def _call(self) -> None:
        while self._waiting and self._free > 0:
            self._free -= 1
            self._waiting.popleft().set_result(None)


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists that all clusters together may be reading."""

    pages: FairSlots = field(default_factory=lambda: FairSlots(PAGES_AT_ONCE))
    streams: FairSlots = field(default_factory=lambda: FairSlots(STREAMS_AT_ONCE))


class Slot:
    def __init__(self, turns: FairSlots) -> None:
        self._turns = turns
        self._over = False

    async def go_on(self) -> None:
        """Say that it goes on; where the turn was lost meanwhile, wait for another first."""
        if self._over:
            return
        if self._turns.holds(self):
            self._turns.note(self)
        else:
            await self._turns.take(self, begun=True)

    def done(self) -> None:
        """Leave it to others from now on."""
        self._over = True
        self._turns.give_back(self)

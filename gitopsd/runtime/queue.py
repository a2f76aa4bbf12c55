"""KeyQueue: work is a key, not an event; one pass per key at a time, and no group slows another."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class QueueClosed(Exception):
    """The queue hands out no more keys: the daemon stops."""


def one_group(_: object) -> Hashable:
    """Put every key in the same group: first come, first served."""
    return None


class KeyQueue(Generic[K]):
    """Keys that wait for a pass: each at most once, and none handed out while its pass runs.

    Groups take turns: with a thousand keys of one group waiting, the next key of another is handed out
    second. A group has at most `per_group` passes at once, so that one with slow passes leaves workers to
    the others.
    """

    def __init__(self, group_of: Callable[[K], Hashable] = one_group, *, per_group: int | None = None) -> None:
        self._group_of = group_of
        self._per_group = per_group
        self._turns: OrderedDict[Hashable, deque[K]] = OrderedDict()  # groups with keys and with room, next first
        self._full: dict[Hashable, deque[K]] = {}  # groups with keys and without room
        self._busy: dict[Hashable, int] = {}  # group → passes that run
        self._waiting: set[K] = set()  # asked for and due, whether in a group's line or behind their own pass
        self._running: dict[K, Hashable] = {}  # with the group it was taken from
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._takers: deque[asyncio.Future[None]] = deque()
        self._closed = False

    @property
    def depth(self) -> int:
        """How many keys are due and wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many passes run."""
        return len(self._running)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._timers)

    def is_running(self, key: K) -> bool:
        """Tell whether a pass over `key` runs; what is new to the world may have come too late for it."""
        return key in self._running

    def add(self, key: K, after_s: float = 0.0) -> None:
        """Ask for a pass over `key`, not before `after_s` from now; asked for twice, the earlier time counts.

        An immediate add therefore takes the place of a delayed one: every pass says anew when the next is due.
        Once closed, the queue takes nothing.
        """
        if self._closed or key in self._waiting:
            return
        timer = self._timers.get(key)
        if after_s > 0:
            loop = asyncio.get_running_loop()
            due_s = loop.time() + after_s
            if timer is not None and timer.when() <= due_s:
                return
            self._timers[key] = loop.call_at(due_s, self._due, key)
        else:
            self._timers.pop(key, None)
            self._wait(key)
        if timer is not None:
            timer.cancel()

    @asynccontextmanager
    async def next(self) -> AsyncIterator[K]:
        """Wait for a key and hold it for the block; asked for meanwhile, it comes back after.

        Raises:
            QueueClosed: there will be no more keys.
        """
        key = await self._take()
        try:
            yield key
        finally:
            self._finish(key)

    def close(self) -> None:
        """Hand out no more keys and drop what waits; passes that run are not disturbed."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._turns.clear()
        self._full.clear()
        self._waiting.clear()
        while self._takers:
            self._wake()

    def _due(self, key: K) -> None:
        del self._timers[key]
        self._wait(key)

    def _wait(self, key: K) -> None:
        self._waiting.add(key)
        if key not in self._running:
            self._line_up(key)

    def _line_up(self, key: K) -> None:
        group = self._group_of(key)
        line = self._turns.get(group) or self._full.get(group)
        if line is not None:
            line.append(key)
        else:
            self._offer(group, deque([key]))
        if group in self._turns:
            self._wake()

    def _offer(self, group: Hashable, line: deque[K]) -> None:
        """Put a group's line where its room says: at the end of the turns, or aside."""
        if self._per_group is None or self._busy.get(group, 0) < self._per_group:
            self._turns[group] = line
        else:
            self._full[group] = line

    async def _take(self) -> K:
        while not self._turns:
            if self._closed:
                raise QueueClosed
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                if taker.done() and not taker.cancelled():
                    self._wake()  # woken and cancelled at once: the key is for somebody else
                else:
                    with suppress(ValueError):  # already passed over by a wake
                        self._takers.remove(taker)
                raise
        group, line = self._turns.popitem(last=False)
        key = line.popleft()
        self._busy[group] = self._busy.get(group, 0) + 1
        self._waiting.discard(key)
        self._running[key] = group
        if line:
            self._offer(group, line)
        return key

    def _finish(self, key: K) -> None:
        group = self._running.pop(key)
        self._busy[group] -= 1
        if not self._busy[group]:
            del self._busy[group]
        line = self._full.pop(group, None)
        if line is not None:
            self._turns[group] = line
            self._wake()
        if key in self._waiting:
            self._line_up(key)

    def _wake(self) -> None:
        """Let one taker look again."""
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

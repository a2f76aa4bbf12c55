"""What one API server is asked at once: less after each 429, more again while it answers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

DEFAULT_REST_S = 1.0  # after a 429 that does not say when to come back
LEAST_REST_S = 0.1  # after one that says 0


class Budget:
    """The requests of one cluster that may be in flight, shared by all who ask it.

    There is no rate: the server says by 429 and Retry-After when it is too much. Then nobody asks until the time it
    gave, and from then on half as many at once; each answer after that makes it a little more.
    """

    def __init__(self, at_once: int) -> None:
        self._most = at_once
        self._limit = float(at_once)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._rest_until_s = -math.inf  # of the loop's clock

    @property
    def limit(self) -> int:
        """Return how many requests may be in flight now."""
        return int(self._limit)

    def rest_s(self) -> float:
        """Return for how long nothing may be asked."""
        return max(0.0, self._rest_until_s - asyncio.get_running_loop().time())

    def refused(self, rest_s: float | None) -> None:
        """Take note of a 429: the server wants to rest for so long."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._rest_until_s:  # those that were in flight at the time are refused together, and count once
            self._limit = max(1.0, self._limit / 2)
        rest_s = DEFAULT_REST_S if rest_s is None else max(LEAST_REST_S, rest_s)
        self._rest_until_s = max(self._rest_until_s, now_s + rest_s)

    def answered(self) -> None:
        """Take note of an answer: as many as there may be at once make it one more."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more may be asked, and count it while the block lasts."""
        if self._waiting or self._in_flight >= self.limit:
            await self._called()
        else:
            self._in_flight += 1
        try:
            while rest_s := self.rest_s():  # noqa: ASYNC110 - a rest is a time, and may be prolonged meanwhile
                await asyncio.sleep(rest_s)
            yield
        finally:
            self._leave()

    async def _called(self) -> None:
        """Wait in line; whoever calls us counts us."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._leave()  # we were called, and do not come
            raise

    def _leave(self) -> None:
        self._in_flight -= 1
        while self._waiting and self._in_flight < self.limit:
            self._in_flight += 1
            self._waiting.popleft().set_result(None)

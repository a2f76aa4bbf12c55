"""Work that several want at once is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from gitopsd.errors import GitopsError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Flight(Generic[T]):
    """One piece of work under way; neither result nor error once it is over: whoever did it was cancelled."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.result: list[T] = []
        self.error: GitopsError | None = None


class SingleFlight(Generic[K, T]):
    """What is under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[T]] = {}

    async def join(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the equal work that is under way; its GitopsError is shared likewise.

        Where the one who does it is cancelled, another one who waits for it does it.
        """
        while (flight := self._flights.get(key)) is not None:
            await flight.over.wait()
            if flight.error is not None:
                raise flight.error.again() from flight.error
            if flight.result:
                return flight.result[0]
        flight = self._flights[key] = _Flight()
        try:
            flight.result.append(await work())
        except GitopsError as err:
            flight.error = err
            raise
        finally:
            del self._flights[key]
            flight.over.set()
        return flight.result[0]

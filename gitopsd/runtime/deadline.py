"""Every await on a peer has a deadline, and the deadline names what was slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from gitopsd.errors import TooSlow

T = TypeVar("T")


async def within(deadline_s: float, what: str, work: Awaitable[T]) -> T:
    """Await `work`; after `deadline_s` cancel it and raise `TooSlow` naming `what`.

    A `TimeoutError` of the work itself passes through as it is.
    """
    deadline = asyncio.timeout(deadline_s)
    try:
        async with deadline:
            return await work
    except TimeoutError as err:
        if not deadline.expired():
            raise  # the work's own timeout, not ours
        raise TooSlow(
            f"{what} took more than {deadline_s:g} s", remedy="see the peer's load, or raise its timeout"
        ) from err


def heed_cancellation() -> None:
    """Raise CancelledError where this task is to end, and a library has swallowed that.

    Python 3.11's `asyncio.wait_for` does so when what it waits for ends in the same turn; redis.asyncio 8 sends each
    command by it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

"""Several streams as one: what comes first is told first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class _Ended:
    """Stands for the end of one stream."""


@asynccontextmanager
async def merged(streams: Sequence[AsyncGenerator[T]]) -> AsyncIterator[AsyncIterator[T]]:
    """Give the items of all `streams` as they come, while the block runs; then the streams are closed.

    A stream is read no further than its reader is behind. An error of one ends the block.
    """
    waiting: asyncio.Queue[T | _Ended] = asyncio.Queue(maxsize=1)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_read(stream, waiting), name="merged stream") for stream in streams]
            yield _told(waiting, len(streams))
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


@asynccontextmanager
async def in_turn(streams: Sequence[AsyncGenerator[T]]) -> AsyncIterator[AsyncIterator[T]]:
    """Give the items of `streams`, of one after the other, while the block runs; then they are closed."""
    async with contextlib.AsyncExitStack() as stack:
        for stream in streams:
            await stack.enter_async_context(contextlib.aclosing(stream))
        yield _chained(streams)


async def _chained(streams: Sequence[AsyncGenerator[T]]) -> AsyncIterator[T]:
    for stream in streams:
        async for item in stream:
            yield item


async def _read(stream: AsyncGenerator[T], waiting: asyncio.Queue[T | _Ended]) -> None:
    async with contextlib.aclosing(stream):
        async for item in stream:
            await waiting.put(item)
    await waiting.put(_Ended())


async def _told(waiting: asyncio.Queue[T | _Ended], streams: int) -> AsyncIterator[T]:
    while streams:
        item = await waiting.get()
        if isinstance(item, _Ended):
            streams -= 1
        else:
            yield item

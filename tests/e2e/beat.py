"""A cluster in which something happens all the time: what a mirror hears of it is never old by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp

from tests.e2e.world import World, config_map


@asynccontextmanager
async def beating(shop: World, every_s: float) -> AsyncIterator[None]:
    """Have an object of nobody's written all the time: a real server says something each minute only.

    While the server does not answer, there is none.
    """
    path = shop.path("beat")

    async def beat() -> None:
        for turn in range(1_000_000):
            with suppress(aiohttp.ClientError, TimeoutError):
                await shop.here.apply(path, config_map("beat", turn=str(turn)), manager="beat")
            await asyncio.sleep(every_s)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(beat(), name="beat")
        yield
        task.cancel()

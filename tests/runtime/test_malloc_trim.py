"""Free memory goes back to the system again and again, and the loop does not wait for it."""

from __future__ import annotations

import asyncio
import threading

from gitopsd.runtime.malloc_trim import MallocTrim


async def test_free_memory_is_given_back_again_and_again_beside_the_loop() -> None:
    loop, threads = asyncio.get_running_loop(), asyncio.Queue[threading.Thread]()

    def trim() -> None:
        loop.call_soon_threadsafe(threads.put_nowait, threading.current_thread())

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(MallocTrim(trim, every_s=0.01).run(), name="memory")
        found = [await threads.get() for _ in range(3)]
        task.cancel()

    assert threading.main_thread() not in found

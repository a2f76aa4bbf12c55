"""Gives the memory that is free back to the system: what a start needed for a moment would stay ours for good."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

EVERY_S = 5.0  # there is next to nothing to do where nothing was freed


class MallocTrim:
    """Has the C library return free pages, between others too; glibc by itself returns only those at the end."""

    name = "memory"

    def __init__(self, trim: Callable[[], object] | None = None, every_s: float = EVERY_S) -> None:
        self._trim = trim or _of_libc()
        self._every_s = every_s

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await asyncio.to_thread(self._trim)


def _of_libc() -> Callable[[], object]:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library than glibc
        return lambda: None
    return lambda: trim(0)

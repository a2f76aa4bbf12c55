"""A watch's lines as they come, bounded in size and in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import aiohttp

from gitopsd.errors import ClusterUnreachable

MAX_LINE_BYTES = 32 << 20  # one event; etcd holds 1.5 MB an object, JSON and managedFields included


class Lines:
    """The lines of one open watch."""

    def __init__(
        self,
        content: aiohttp.StreamReader,
        errors: Callable[[], AbstractContextManager[None]],
        *,
        idle_s: float,
        what: str,
    ) -> None:
        self._content = content
        self._errors = errors
        self._idle_s = idle_s
        self._what = what

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """Give what has come since the last time, as whole lines, one or more; end when the server ends the watch.

        Raises:
            ClusterUnreachable: nothing came for too long, a line has no end, or the connection broke in a line.
        """
        parts: list[bytes] = []
        size = 0
        while chunk := await self._chunk():
            head, newline, tail = chunk.rpartition(b"\n")
            if newline:
                lines = b"".join((*parts, head)).split(b"\n")
                parts, size = [tail] if tail else [], len(tail)
                yield [line for line in lines if line]
            else:
                parts.append(chunk)
                size += len(chunk)
            if size > MAX_LINE_BYTES:
                raise ClusterUnreachable(
                    f"{self._what} sends a line of more than {MAX_LINE_BYTES} bytes", remedy="check what answers there"
                )
        if size:
            raise ClusterUnreachable(f"{self._what} broke off in a line", remedy="nothing: it is opened again")

    async def _chunk(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_s):
                with self._errors():
                    return await self._content.readany()
        except TimeoutError as err:
            raise ClusterUnreachable(
                f"{self._what} said nothing for {self._idle_s:g} s", remedy="check the route to the cluster"
            ) from err

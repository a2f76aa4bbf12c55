"""A TCP relay between two that speak, so that one can go away for the other, stall and return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.clusters import free_ports

CHUNK_BYTES = 64 << 10


@dataclass
class Relay:
    """Passes bytes on while it is up; cut off, it refuses connections; stalled, it takes them and passes nothing."""

    server: tuple[str, int]  # host and port of who answers
    port: int
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def restore(self) -> None:
        self.flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    def stall(self) -> None:
        self.flowing.clear()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            inner, outer = await asyncio.open_connection(*self.server)
            self._open.add(outer)
            with suppress(ConnectionError):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._copy(reader, outer), name="to the server")
                    group.create_task(self._copy(inner, writer), name="from the server")
            self._open.discard(outer)
            outer.close()
        except (OSError, ExceptionGroup):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(CHUNK_BYTES):
            await self.flowing.wait()
            sink.write(chunk)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def relay(host: str, port: int) -> AsyncIterator[Relay]:
    """Run a relay before a server for the block."""
    one = Relay((host, port), free_ports(1)[0])
    await one.restore()
    try:
        yield one
    finally:
        one.flowing.set()
        await one.cut()

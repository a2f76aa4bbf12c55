"""A wire to a server that can be cut, killed and made to stall, connection by connection; it reads nothing of TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Link:
    """One connection, and what is done to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    cuts: bool = False

    def stall(self) -> None:
        """Pass on nothing more, and say nothing of it."""
        self.flows.clear()

    def go_on(self) -> None:
        self.flows.set()

    def cut(self) -> None:
        """Break off in the middle of what the server sends next."""
        self.cuts = True

    def kill(self) -> None:
        for end in (self.client, self.server):
            end.transport.abort()
        self.flows.set()

    async def up(self, reader: asyncio.StreamReader) -> None:
        await self._pass(reader, self.server)

    async def down(self, reader: asyncio.StreamReader) -> None:
        await self._pass(reader, self.client, cuttable=True)

    async def _pass(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, *, cuttable: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await self.flows.wait()
                if cuttable and self.cuts:
                    to.write(data[: len(data) // 2])
                    await to.drain()
                    break
                to.write(data)
                await to.drain()
        self.kill()


@dataclass(slots=True)
class Wire:
    url: str = ""
    links: set[Link] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def connect(self, port: int, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", port)
            link = Link(client, server)
            link.go_on()
            self.links.add(link)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.up(reader), name="up")
                    group.create_task(link.down(answers), name="down")
            finally:
                self.links.discard(link)
                link.kill()
                await _closed(server)
        except OSError:
            pass
        finally:
            client.transport.abort()
            await _closed(client)
            self._tasks.discard(task)

    async def close(self) -> None:
        await asyncio.sleep(0)  # what was accepted last begins
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _closed(end: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await end.wait_closed()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Run a wire to `port` of loopback while the block runs."""
    wire = Wire()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            await wire.connect(port, reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
        await server.wait_closed()

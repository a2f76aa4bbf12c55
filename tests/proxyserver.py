"""An HTTP proxy on loopback: CONNECT alone, with or without a password."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    url: str
    asked: list[str] = field(default_factory=list)  # host:port of each tunnel


@asynccontextmanager
async def proxy_server(*, login: str = "") -> AsyncIterator[Proxy]:
    """Run a proxy that asks for `login` ("user:password") where one is given."""
    proxy = Proxy("")
    wanted = f"Basic {b64encode(login.encode()).decode()}"
    connections: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await tunnel(reader, writer)
        finally:
            writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        if method != "CONNECT" or (login and f"authorization: {wanted.lower()}" not in head.lower()):
            writer.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=p\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        proxy.asked.append(target)
        host, _, port = target.rpartition(":")
        there_reader, there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, there))
            group.create_task(pump(there_reader, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
    try:
        yield proxy
    finally:
        server.close()
        if connections:
            await asyncio.wait(connections, timeout=10)

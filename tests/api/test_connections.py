from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gitopsd.api.app import probe_app
from gitopsd.api.connections import ConnectionBounds, heads
from gitopsd.api.probes import Probes, Readiness
from gitopsd.api.tls import TlsFiles
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.metrics import Meters
from tests.api.certificates import write_pair
from tests.api.serving import connected, listening

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.asynccontextmanager
async def probing(bounds: ConnectionBounds) -> AsyncIterator[int]:
    app = probe_app(Probes(LoopLag()), Readiness(tuple), Meters().exposition)
    async with listening(app, bounds=bounds) as port:
        yield port


@pytest.mark.parametrize("start", [b"", b"GET /healthz", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
async def test_connection_that_does_not_say_what_it_wants_is_ended(start: bytes) -> None:
    async with probing(ConnectionBounds(head_s=0.2)) as port, connected(port, start) as reader:
        with contextlib.suppress(ConnectionError):
            assert b"" == await reader.read()


async def test_head_that_trickles_is_ended_on_a_connection_in_use_too() -> None:
    async with probing(ConnectionBounds(head_s=0.5)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEALTH)
        assert b"ok" == (await reader.readuntil(b"ok"))[-2:]
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while not reader.at_eof():
                    writer.write(b"G")
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            await reader.read(1)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_connection_between_two_requests_may_rest() -> None:
    async with (
        probing(ConnectionBounds(head_s=0.5)) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=aiohttp.TCPConnector(limit=1)) as session,
    ):
        for _ in range(2):
            async with session.get("/healthz") as answer:
                assert 200 == answer.status
                connection = answer.connection
            assert connection is None or connection.protocol is not None
            await asyncio.sleep(0.4)


async def test_slow_answer_is_not_a_slow_head() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.7)
        return web.Response(text="done")

    app = web.Application(middlewares=[heads])
    app.add_routes([web.get("/", slow)])
    async with (
        listening(app, bounds=ConnectionBounds(head_s=0.5)) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as answer,
    ):
        assert "done" == await answer.text()


async def test_body_may_take_longer_than_a_head() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(middlewares=[heads])
    app.add_routes([web.post("/", read)])
    async with listening(app, bounds=ConnectionBounds(head_s=0.5)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        for byte in (b"a", b"b", b"c"):
            await asyncio.sleep(0.25)
            writer.write(byte)
        assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


async def test_connections_over_the_bound_are_dropped_and_make_room_again() -> None:
    async with probing(ConnectionBounds(at_once=2)) as port:
        async with connected(port, b""), connected(port, b""), connected(port, HEALTH) as third:
            with contextlib.suppress(ConnectionError):
                assert b"" == await third.read()
        async with connected(port, HEALTH) as reader:
            assert b"HTTP/1.1 200 OK" == (await reader.readline()).strip()


async def test_bounds_hold_under_tls(tmp_path: Path) -> None:
    app = probe_app(Probes(LoopLag()), Readiness(tuple), Meters().exposition)
    tls = TlsFiles(*write_pair(tmp_path, "daemon.example"))
    bounds = ConnectionBounds(handshake_s=1, head_s=1)
    async with listening(app, tls, bounds) as port, aiohttp.ClientSession() as session:
        async with session.get(f"https://127.0.0.1:{port}/healthz", ssl=False) as answer:
            assert 200 == answer.status
        async with connected(port, b"\x16\x03\x01") as reader:
            with contextlib.suppress(ConnectionError):
                assert b"" == await reader.read()


async def test_bytes_that_are_no_request_leave_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with probing(ConnectionBounds()) as port, connected(port, b"nonsense\r\n\r\n") as reader:
        await reader.read()

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]

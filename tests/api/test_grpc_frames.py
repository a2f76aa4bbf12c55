"""HTTP/2 frames that no good client sends, and what bounds a client's use of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import pytest
from aiohttp import web
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated

from gitopsd.api.answers import Code
from gitopsd.api.connections import ConnectionBounds
from gitopsd.api.grpc.call import Call, Serve
from gitopsd.api.grpc.calls import Method, Services
from gitopsd.api.grpc.door import GrpcDoor, StreamBounds
from gitopsd.api.grpc.framing import HEAD, Status, framed
from gitopsd.api.grpc.schema import message_class
from gitopsd.api.middleware import Watched
from tests.api.grpcclient import REQUEST, Frames, frames
from tests.api.serving import listening

PATH = dict(REQUEST)[":path"]
MOST_BYTES = 1000


Answers = Callable[[Call, object], AsyncGenerator[bytes]]


async def little(_: Call, __: object) -> AsyncGenerator[bytes]:
    yield b"x"


async def much(_: Call, __: object) -> AsyncGenerator[bytes]:
    yield bytes(64 << 20)


@contextlib.asynccontextmanager
async def answering(bounds: StreamBounds | None = None, answer: Answers = little) -> AsyncIterator[int]:
    """Serve one method; gives the port."""

    def load() -> Serve:
        method = Method(message_class("google.protobuf.Empty"), answer, MOST_BYTES)
        return Services({PATH: method}, Watched()).serve

    async with listening(web.Application(), grpc=GrpcDoor(load, bounds)) as port:
        yield port


async def well(port: int) -> bool:
    """Tell whether a good client is answered."""
    async with frames(port) as connection:
        connection.h2.send_headers(1, REQUEST)
        connection.h2.send_data(1, framed(b""), end_stream=True)
        await connection.send()
        return "0" == (await connection.answer(1))["grpc-status"]


async def asked(
    connection: Frames, body: bytes, *, end: bool = True, headers: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the answer to a request with `body`."""
    number = connection.h2.get_next_available_stream_id()
    connection.h2.send_headers(number, [*(dict(REQUEST) | (headers or {})).items()])
    connection.h2.send_data(number, body, end_stream=end)
    await connection.send()
    return await connection.answer(number)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.INVALID_ARGUMENT),
        (framed(bytes(10))[:-1], Code.INVALID_ARGUMENT),
        (HEAD.pack(0, 0)[:3], Code.INVALID_ARGUMENT),
        (framed(b"", 1), Code.UNIMPLEMENTED),
        (HEAD.pack(0, MOST_BYTES + 1), Code.RESOURCE_EXHAUSTED),
        (HEAD.pack(0, 0xFFFFFFFF), Code.RESOURCE_EXHAUSTED),
    ],
)
async def test_request_that_is_not_one_whole_message_is_refused(body: bytes, code: Code) -> None:
    async with answering() as port, frames(port) as connection:
        assert str(int(code)) == (await asked(connection, body))["grpc-status"]
        assert "0" == (await asked(connection, framed(b"")))["grpc-status"]


async def test_message_that_is_too_long_is_refused_before_it_is_there() -> None:
    async with answering() as port, frames(port) as connection:
        answer = await asked(connection, HEAD.pack(0, MOST_BYTES + 1), end=False)

    assert str(int(Code.RESOURCE_EXHAUSTED)) == answer["grpc-status"]


async def test_deadline_of_the_client_holds() -> None:
    async with answering() as port, frames(port) as connection:
        answer = await asked(connection, b"", end=False, headers={"grpc-timeout": "50m"})

    assert str(int(Code.DEADLINE_EXCEEDED)) == answer["grpc-status"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({":method": "GET"}, "405"), ({"content-type": "text/plain"}, "415"), ({":path": "/x"}, "200")],
)
async def test_what_is_no_grpc_is_told_so(headers: dict[str, str], status: str) -> None:
    async with answering() as port, frames(port) as connection:
        assert status == (await asked(connection, framed(b""), headers=headers))[":status"]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\xff",  # headers that are none
        b"\x00\x00\x00\x09\x04\x00\x00\x00\x01",  # the continuation of nothing
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",  # a window of nothing
        b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",  # a frame of 16 MiB
    ],
)
async def test_malformed_frame_ends_its_connection_alone(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with answering() as port, frames(port) as other:
        async with frames(port) as connection:
            await connection.send(raw)
            await connection.ended()
        assert "0" == (await asked(other, framed(b"")))["grpc-status"]

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_frame_of_an_unknown_type_is_passed_over() -> None:
    async with answering() as port, frames(port) as connection:
        await connection.send(b"\x00\x00\x01\xbb\x00\x00\x00\x00\x00x")
        assert "0" == (await asked(connection, framed(b"")))["grpc-status"]


async def test_client_that_gives_up_call_after_call_is_sent_away() -> None:
    async with answering(StreamBounds(resets=20)) as port, frames(port) as connection:
        for _ in range(21):
            number = connection.h2.get_next_available_stream_id()
            connection.h2.send_headers(number, REQUEST)
            connection.h2.reset_stream(number)
        await connection.send()
        end = None
        while end is None:
            end = next((event for event in await connection.events() if isinstance(event, ConnectionTerminated)), None)

        assert ErrorCodes.ENHANCE_YOUR_CALM == end.error_code
        assert await well(port)


@pytest.mark.parametrize("first", [True, False])
async def test_connection_without_a_call_is_ended(first: bool) -> None:  # noqa: FBT001
    bounds = StreamBounds(head_s=0.2) if first else StreamBounds(idle_s=0.2)
    async with answering(bounds) as port, frames(port) as connection:
        if not first:
            await asked(connection, framed(b""))
        await connection.ended()


async def test_half_a_preface_is_ended() -> None:
    app = web.Application()
    door = GrpcDoor(lambda: Services({}, Watched()).serve)
    async with listening(app, bounds=ConnectionBounds(head_s=0.2), grpc=door) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PRI * HTTP")
        with contextlib.suppress(ConnectionError):
            assert b"" == await reader.read()
        writer.close()


async def test_reader_that_takes_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    async with answering(StreamBounds(write_s=0.2), much) as port, frames(port) as connection:
        connection.h2.send_headers(1, REQUEST)
        connection.h2.send_data(1, framed(b""), end_stream=True)
        await connection.send()
        answer = await connection.answer(1, take=False)

        assert str(int(Code.DEADLINE_EXCEEDED)) == answer["grpc-status"]
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_fault_in_one_call_is_its_own() -> None:
    async def faulty(call: Call) -> Status:
        if call.metadata.get("fault"):
            raise RuntimeError(call.path)
        return Status()

    async with listening(web.Application(), grpc=GrpcDoor(lambda: faulty)) as port, frames(port) as connection:
        connection.h2.send_headers(1, [*REQUEST, ("fault", "yes")], end_stream=True)
        connection.h2.send_headers(3, REQUEST, end_stream=True)
        await connection.send()

        assert "0" == (await connection.answer(3))["grpc-status"]
        assert await well(port)


async def test_long_answer_arrives_whole() -> None:
    async with answering(answer=much) as port, frames(port) as connection:
        assert "0" == (await asked(connection, framed(b"")))["grpc-status"]
        assert (64 << 20) + HEAD.size == connection.taken_bytes

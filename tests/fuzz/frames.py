"""HTTP/2 connections of gRPC clients: frames that fit, frames that do not, and bytes that are none."""

from __future__ import annotations

import asyncio
from typing import Any

from hpack import Encoder
from hypothesis import strategies as st

from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.door import StreamBounds
from gitopsd.api.grpc.framing import Status, framed
from gitopsd.api.grpc.http2 import Http2Connection
from gitopsd.errors import GitopsError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FIELDS = {
    ":method": "POST",
    ":scheme": "http",
    ":authority": "x",
    ":path": "/a.B/C",
    "content-type": "application/grpc",
    "te": "trailers",
    "grpc-timeout": "1n",
}
SETTINGS = b"\x00\x04\x00\x00\x00\x00"  # a window of nothing


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


HEADERS = st.builds(
    lambda names, end, stream: _frame(1, end, stream, Encoder().encode([(name, FIELDS[name]) for name in names])),
    st.lists(st.sampled_from(sorted(FIELDS)), unique=True) | st.just(list(FIELDS)),
    st.sampled_from([4, 5, 0, 0x24]),
    st.sampled_from([1, 3, 5, 7, 2, 0, (1 << 31) - 1]),
)
DATA = st.builds(
    lambda body, flags, stream: _frame(0, flags, stream, body),
    st.sampled_from([b"", framed(b"x"), framed(b"", 1), b"\0\xff\xff\xff\xff", bytes(16384)]),
    st.sampled_from([0, 1, 8]),
    st.sampled_from([1, 3, 5, 0]),
)
OTHER = st.builds(
    _frame,
    st.integers(0, 12) | st.just(0xBB),
    st.integers(0, 255),
    st.sampled_from([0, 1, 3, 5, (1 << 31) - 1]),
    st.sampled_from([b"", bytes(4), bytes(8), SETTINGS, b"\x7f\xff\xff\xff"]) | st.binary(max_size=40),
)
CONNECTIONS = st.builds(
    lambda hello, frames: [(PREFACE + _frame(4, 0, 0, b"")) if hello else b"", *frames],
    st.sampled_from([True] * 9 + [False]),
    st.lists(HEADERS | HEADERS | DATA | OTHER | st.binary(max_size=30), max_size=30),
)


class Sink(asyncio.Transport):
    """Takes everything, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name == "peername" else default

    def write(self, data: Any) -> None:
        assert not self.closed

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def read(chunks: list[bytes]) -> None:
    """Have one connection read `chunks`, and answer what is asked in them."""
    asyncio.run(_read(chunks))


async def _read(chunks: list[bytes]) -> None:
    async with asyncio.TaskGroup() as calls:
        connection, transport = Http2Connection(_serve, calls.create_task, StreamBounds()), Sink()
        connection.connection_made(transport)
        for chunk in chunks:
            if not transport.closed:
                connection.data_received(chunk)
            await asyncio.sleep(0)
        connection.connection_lost(None)


async def _serve(call: Call) -> Status:
    try:
        await call.message(1000)
        await call.send(bytes(100_000))
    except (GitopsError, ConnectionError):
        pass
    return Status()

"""A gRPC client of another maker, and HTTP/2 frames that no good client sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc import aio
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, TrailersReceived

from gitopsd.api.grpc.convert import message_of
from gitopsd.api.grpc.schema import message_class, service

REQUEST = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "x"),
    (":path", "/version.VersionService/Version"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]


LIMIT_S = 20  # for an answer, and for a stream


class GrpcClient:
    """Calls methods by their names, with requests as JSON; answers are messages."""

    def __init__(self, channel: aio.Channel, metadata: dict[str, str]) -> None:
        self._channel = channel
        self._metadata = aio.Metadata(*metadata.items())

    async def ask(self, path: str, **fields: Any) -> Any:
        """Call a method with one answer, such as "version.VersionService/Version"."""
        request, answer = self._kinds(path)
        method = self._channel.unary_unary(
            f"/{path}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString
        )
        return await method(message_of(request, fields), timeout=LIMIT_S, metadata=self._metadata)

    async def send(self, path: str, request: bytes) -> bytes:
        """Call a method with a request that is written already."""
        method: Any = self._channel.unary_unary(f"/{path}")
        return bytes(await method(request, timeout=LIMIT_S, metadata=self._metadata))

    def stream(self, path: str, **fields: Any) -> Any:
        """Call a method with many answers."""
        request, answer = self._kinds(path)
        method = self._channel.unary_stream(
            f"/{path}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString
        )
        return method(message_of(request, fields), timeout=LIMIT_S, metadata=self._metadata)

    def _kinds(self, path: str) -> tuple[Any, Any]:
        name, _, method = path.partition("/")
        found = service(name).methods_by_name[method]
        return message_class(found.input_type.full_name), message_class(found.output_type.full_name)


@contextlib.asynccontextmanager
async def client(
    port: int, *, authority: bytes | None = None, metadata: dict[str, str] | None = None
) -> AsyncIterator[GrpcClient]:
    """Give a client; with `authority`, a certificate's, over TLS."""
    target = f"127.0.0.1:{port}"
    secure = authority and aio.secure_channel(target, grpc.ssl_channel_credentials(authority))
    async with secure or aio.insecure_channel(target) as channel:
        yield GrpcClient(channel, metadata or {})


class Frames:
    """One HTTP/2 connection, on which anything can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.h2 = H2Connection()
        self.taken_bytes = 0
        self._reader = reader
        self._writer = writer

    async def send(self, raw: bytes = b"") -> None:
        self._writer.write(self.h2.data_to_send() + raw)
        await self._writer.drain()

    async def events(self, *, take: bool = True) -> list[Event]:
        """Return what came next; with `take`, the other side may send as much data again."""
        data = await self._reader.read(1 << 16)
        if not data:
            raise ConnectionResetError
        events = self.h2.receive_data(data)
        for event in events:
            if isinstance(event, DataReceived):
                self.taken_bytes += len(event.data or b"")
                if take:
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        await self.send()
        return events

    async def ended(self) -> None:
        """Wait for the other side to close."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(1 << 16):
                pass

    async def answer(self, number: int, *, take: bool = True) -> dict[str, str]:
        """Return the headers and trailers of the answer on a stream."""
        fields: dict[str, str] = {}
        while True:
            for event in await self.events(take=take):
                if isinstance(event, ResponseReceived | TrailersReceived) and event.stream_id == number:
                    fields |= {name.decode(): value.decode() for name, value in event.headers or []}
                if isinstance(event, StreamEnded) and event.stream_id == number:
                    return fields


@contextlib.asynccontextmanager
async def frames(port: int) -> AsyncIterator[Frames]:
    """Open a connection that has said hello."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            connection = Frames(reader, writer)
            connection.h2.initiate_connection()
            await connection.send()
            yield connection
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

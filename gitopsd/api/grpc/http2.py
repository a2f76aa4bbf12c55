"""One HTTP/2 connection of gRPC clients, over h2, which does no I/O: streams, flow control, and what bounds them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

import structlog
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error

from gitopsd.api.answers import Code
from gitopsd.api.grpc.call import Serve
from gitopsd.api.grpc.door import StreamBounds
from gitopsd.api.grpc.framing import HEAD, Status, framed, length_of
from gitopsd.errors import BadRequest
from gitopsd.runtime.deadline import within

log = structlog.get_logger()

PREFACE_BYTES, FRAME_HEAD_BYTES, LENGTH_BYTES = 24, 9, 3
MOST_FRAME_BYTES = 1 << 14  # the least that HTTP/2 lets a server allow
CONTENT_TYPE = "application/grpc"
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Headers = list[tuple[str, str]]


class Http2Connection(asyncio.Protocol):
    """Speaks HTTP/2 with one client, and has `serve` answer its calls in tasks that `spawn` owns."""

    def __init__(self, serve: Serve, spawn: Spawn, bounds: StreamBounds) -> None:
        self._serve = serve
        self._spawn = spawn
        self.bounds = bounds
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.streams: dict[int, Http2Stream] = {}
        self.address = ""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._resets = 0
        self._lengths = FrameLengths()
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.h2.initiate_connection()
        self.flush()
        self._rest(self.bounds.head_s)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._lengths.too_long(data):
            self.goodbye(ErrorCodes.FRAME_SIZE_ERROR)
            return
        try:
            for event in self.h2.receive_data(data):
                self._on(event)
        except H2Error:
            self.end()  # h2 has written why
        else:
            self.flush()

    def pause_writing(self) -> None:
        # What makes us write, such as pings, is not read either: nothing can pile up.
        self.writable.clear()
        if transport := self._open_transport():
            transport.pause_reading()
            self._stuck = asyncio.get_running_loop().call_later(self.bounds.write_s, transport.abort)

    def resume_writing(self) -> None:
        self.writable.set()
        if self._stuck is not None:
            self._stuck.cancel()
        if transport := self._open_transport():
            transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        for timer in (self._timer, self._stuck):
            if timer is not None:
                timer.cancel()
        for stream in self.streams.values():
            stream.cancel()

    def flush(self) -> None:
        """Send what h2 has to say, where somebody is there to hear it."""
        data = self.h2.data_to_send()
        if data and (transport := self._open_transport()):
            transport.write(data)

    def end(self) -> None:
        """Say what is left to say, and close; calls under way are cancelled."""
        self.flush()
        if self._transport is not None:
            self._transport.close()
        for stream in self.streams.values():
            stream.cancel()

    def goodbye(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Close, and tell the client why."""
        if self._open_transport():
            self.h2.close_connection(code)
            self.end()

    def _on(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=number, headers=headers):
                self._begin(number, headers or [])
            case DataReceived(stream_id=number, data=data, flow_controlled_length=size):
                if stream := self.streams.get(number):
                    stream.feed(data or b"", size or 0)
                else:
                    self.h2.acknowledge_received_data(size or 0, number)
            case StreamEnded(stream_id=number) if number in self.streams:
                self.streams[number].feed_end()
            case StreamReset(stream_id=number):
                self._reset(number)
            case WindowUpdated() | RemoteSettingsChanged():
                for stream in self.streams.values():
                    stream.window.set()
            case ConnectionTerminated():
                self.end()
            case _:
                pass

    def _begin(self, number: int, headers: list[Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        stream = Http2Stream(self, number, headers)
        self.streams[number] = stream
        stream.task = self._spawn(self._answer(stream))
        # Not in the task itself: one that is cancelled before its first step never runs.
        stream.task.add_done_callback(lambda _: self._over(stream))

    async def _answer(self, stream: Http2Stream) -> None:
        try:
            if stream.refusal:
                stream.refuse(stream.refusal)
            else:
                stream.finish(await self._serve(stream))
        except (H2Error, ConnectionError):
            pass  # it is closed: there is nobody to tell
        except Exception:
            log.exception("api.unforeseen", method=stream.path)  # one call's fault is not the others'
            with contextlib.suppress(H2Error):
                self.h2.reset_stream(stream.number, ErrorCodes.INTERNAL_ERROR)
            self.flush()

    def _over(self, stream: Http2Stream) -> None:
        del self.streams[stream.number]
        stream.acknowledge()
        if self._transport is not None and not self.streams:
            self._rest(self.bounds.idle_s)

    def _reset(self, number: int) -> None:
        if stream := self.streams.get(number):
            stream.cancel()
        self._resets += 1
        if self._resets > self.bounds.resets:
            self.goodbye(ErrorCodes.ENHANCE_YOUR_CALM)

    def _open_transport(self) -> asyncio.Transport | None:
        return None if self._transport is None or self._transport.is_closing() else self._transport

    def _rest(self, for_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(for_s, self.goodbye)


class FrameLengths:
    """Follows the lengths of the frames that arrive: h2 refuses a long one when all its 16 MiB are there."""

    def __init__(self) -> None:
        self._skip = PREFACE_BYTES  # until the next frame's length
        self._length = b""

    def too_long(self, data: bytes) -> bool:
        """Tell whether a frame that begins in `data` is longer than is allowed."""
        index = 0
        while index + self._skip < len(data):
            index += self._skip
            self._skip = 0
            more = data[index : index + LENGTH_BYTES - len(self._length)]
            index += len(more)
            self._length += more
            if len(self._length) < LENGTH_BYTES:
                return False
            length = int.from_bytes(self._length, "big")
            if length > MOST_FRAME_BYTES:
                return True
            self._skip, self._length = length + FRAME_HEAD_BYTES - LENGTH_BYTES, b""
        self._skip -= len(data) - index
        return False


class Http2Stream:
    """One call over HTTP/2."""

    def __init__(self, connection: Http2Connection, number: int, headers: list[Any]) -> None:
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        self.number = number
        self.path = fields.get(":path", "")
        self.metadata: Mapping[str, str] = fields
        self.address = connection.address
        self.window = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.refusal = _refusal(fields)  # an HTTP status, "" where this is gRPC
        self._connection = connection
        self._h2 = connection.h2
        self._read = bytearray()
        self._unacknowledged = 0
        self._news = asyncio.Event()
        self._ended = False
        self._began = False

    def feed(self, data: bytes, size: int) -> None:
        """Take in a part of the request that cost `size` of the window."""
        self._read += data
        self._unacknowledged += size
        self._news.set()

    def feed_end(self) -> None:
        self._ended = True
        self._news.set()

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def message(self, most_bytes: int) -> bytes | None:
        head = await self._take(HEAD.size)
        return None if head is None else await self._take(length_of(head, most_bytes), begun=True)

    async def _take(self, size: int, *, begun: bool = False) -> bytes | None:
        while len(self._read) < size:
            if self._ended and not self._read and not begun:
                return None
            if self._ended:
                raise BadRequest("the request ends in the middle of a message", remedy="send it whole")
            self._news.clear()
            self.acknowledge()
            await self._news.wait()
        data = bytes(self._read[:size])
        del self._read[:size]
        return data

    def acknowledge(self) -> None:
        """Let the client send as much again as it has sent."""
        size, self._unacknowledged = self._unacknowledged, 0
        if size:
            with contextlib.suppress(H2Error):  # the connection is closed
                self._h2.acknowledge_received_data(size, self.number)
            self._connection.flush()

    async def send(self, message: bytes) -> None:
        if not self._began:
            self._headers([(":status", "200"), ("content-type", CONTENT_TYPE)])
            self._began = True
        remaining = memoryview(framed(message))
        while remaining:
            size = min(self._window(), self._h2.max_outbound_frame_size, len(remaining))
            if size <= 0 or not self._connection.writable.is_set():
                await within(self._connection.bounds.write_s, "the client of a call", self._room())
                continue
            self._h2.send_data(self.number, bytes(remaining[:size]))
            self._connection.flush()
            remaining = remaining[size:]

    def finish(self, status: Status) -> None:
        """Tell how the call ended; in the headers where nothing was sent yet."""
        if not self._open():
            return
        begin = [] if self._began else [(":status", "200"), ("content-type", CONTENT_TYPE)]
        self._headers([*begin, *status.headers()], end=True)

    def refuse(self, status: str) -> None:
        """Answer what is no gRPC."""
        code = Status(Code.UNKNOWN, "this is no gRPC request")
        self._headers([(":status", status), *code.headers()], end=True)

    def _headers(self, headers: Headers, *, end: bool = False) -> None:
        if not self._open():
            raise ConnectionResetError
        self._h2.send_headers(self.number, headers, end_stream=end)
        if end and not self._ended:
            self._h2.reset_stream(self.number, ErrorCodes.NO_ERROR)  # the rest of the request is not read
        self._connection.flush()

    def _open(self) -> bool:
        return self.number in self._h2.streams and not self._h2.streams[self.number].closed

    def _window(self) -> int:
        if not self._open():
            raise ConnectionResetError
        return self._h2.local_flow_control_window(self.number)

    async def _room(self) -> None:
        await self._connection.writable.wait()
        while self._window() <= 0:
            self.window.clear()
            await self.window.wait()


def _refusal(fields: Mapping[str, str]) -> str:
    if fields.get(":method") != "POST":
        return "405"
    kind, _, sort = fields.get("content-type", "").partition("+")
    return "" if kind == CONTENT_TYPE and sort in {"", "proto"} else "415"

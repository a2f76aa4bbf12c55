"""Bounds on connections: how many there are, and how long one may take to say what it wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from gitopsd.api.grpc.door import GrpcDoor

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # what every HTTP/2 connection begins with


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    at_once: int = 1024  # of one listener; more are dropped, so that file descriptors are left for the clusters
    handshake_s: float = 10.0  # of TLS
    head_s: float = 10.0  # from a connection's start, or a request's first byte, to the end of the request's head


class Gate:
    """Makes the protocol of each connection, with the bounds put around aiohttp's, which has none of its own."""

    def __init__(
        self, server: Callable[[], asyncio.BaseProtocol], bounds: ConnectionBounds, http2: GrpcDoor | None = None
    ) -> None:
        """Have `server` make what speaks HTTP/1.1, and let in by `http2` who speaks HTTP/2; None: nobody is."""
        self.bounds = bounds
        self.open = 0
        self.http2 = http2
        self.undecided: set[_Guarded] = set()
        self._server = server

    def __call__(self) -> asyncio.Protocol:
        return _Guarded(self)

    def close(self) -> None:
        """End the connections that have not said yet what they speak; the others are of who answers them."""
        for connection in list(self.undecided):
            connection.abort()

    def http1(self) -> asyncio.Protocol:
        return cast(asyncio.Protocol, self._server())


class _Guarded(asyncio.Protocol):
    """Hands everything on, and ends a connection whose next request's head does not arrive in time.

    What it is handed to is told by TLS, or by the first bytes.
    """

    def __init__(self, gate: Gate) -> None:
        self._inner: asyncio.Protocol | None = None  # None: it is not told yet
        self._first = b""  # what came until then
        self._gate = gate
        self._transport: asyncio.Transport | None = None  # None: not let in
        self._timer: asyncio.TimerHandle | None = None
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        if self._gate.open >= self._gate.bounds.at_once:
            stream.abort()
            return
        self._gate.open += 1
        self._transport = stream
        self._gate.undecided.add(self)
        self._start()
        tls = stream.get_extra_info("ssl_object")
        if self._gate.http2 is None or (tls is not None and tls.selected_alpn_protocol() != "h2"):
            self._hand_to(self._gate.http1())

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if not self._answering:
            self._start()
        if self._inner is not None:
            self._inner.data_received(data)
        else:
            self._first += data
            self._choose()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None and self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._gate.undecided.discard(self)
        if self._transport is not None:
            self._gate.open -= 1
            self._transport = None
            if self._inner is not None:
                self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def answering(self, *, busy: bool) -> None:
        """Hear that a request's head is in, or that its answer is out."""
        self._answering = busy
        self._stop()

    def _choose(self) -> None:
        """Hand the connection to what speaks as its first bytes do, once there are enough of them."""
        http2 = self._gate.http2
        if http2 is None or not PREFACE.startswith(self._first[: len(PREFACE)]):
            self._hand_to(self._gate.http1())
        elif len(self._first) >= len(PREFACE) and self._transport is not None:
            self._transport.pause_reading()  # until what speaks it is imported
            http2.enter(self._hand_to_http2)

    def _hand_to_http2(self, inner: asyncio.Protocol) -> None:
        if self._transport is not None:
            self.answering(busy=True)  # its bounds are its own
            self._transport.resume_reading()
            self._hand_to(inner)

    def _hand_to(self, inner: asyncio.Protocol) -> None:
        if self._transport is not None:
            self._inner = inner
            self._gate.undecided.discard(self)
            inner.connection_made(self._transport)
            first, self._first = self._first, b""
            if first:
                inner.data_received(first)

    def _start(self) -> None:
        if self._timer is None and self._transport is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._gate.bounds.head_s, self._transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@web.middleware
async def heads(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection's guard that a head is in; the outermost middleware."""
    guard = request.transport.get_protocol() if request.transport else None
    if not isinstance(guard, _Guarded):
        return await handler(request)
    guard.answering(busy=True)
    try:
        return await handler(request)
    finally:
        guard.answering(busy=False)

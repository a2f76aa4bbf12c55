"""Bounds on connections: how many there are, and how long one may take to say what it wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    at_once: int = 1024  # of one listener; more are dropped, so that file descriptors are left for the clusters
    handshake_s: float = 10.0  # of TLS
    head_s: float = 10.0  # from a connection's start, or a request's first byte, to the end of the request's head


class Gate:
    """Makes the protocol of each connection, with the bounds put around aiohttp's, which has none of its own."""

    def __init__(self, server: Callable[[], asyncio.BaseProtocol], bounds: ConnectionBounds) -> None:
        self.bounds = bounds
        self.open = 0
        self._server = server

    def __call__(self) -> asyncio.Protocol:
        return _Guarded(cast(asyncio.Protocol, self._server()), self)


class _Guarded(asyncio.Protocol):
    """Hands everything on, and ends a connection whose next request's head does not arrive in time."""

    def __init__(self, inner: asyncio.Protocol, gate: Gate) -> None:
        self._inner = inner
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
        self._start()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            if not self._answering:
                self._start()
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._transport is not None:
            self._gate.open -= 1
            self._transport = None
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def answering(self, *, busy: bool) -> None:
        """Hear that a request's head is in, or that its answer is out."""
        self._answering = busy
        self._stop()

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

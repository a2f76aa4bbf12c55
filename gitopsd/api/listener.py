"""One listening socket as a service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from gitopsd.api.connections import ConnectionBounds, Gate
from gitopsd.api.grpc.door import GrpcDoor
from gitopsd.api.tls import TlsFiles
from gitopsd.errors import InvalidSettings

STOP_S = 3.0  # for answers under way when the daemon stops
IDLE_S = 75.0  # of a connection between two requests
LINGER_S = 2.0  # for the rest of a body that was refused, so that its sender reads the refusal
BOUNDS = ConnectionBounds()
STRANGERS = (HttpProcessingError, ConnectionError, ClientError)  # what other ends can cause at will


class Listener:
    """Serves an application on a port from `run` until it is cancelled."""

    def __init__(  # noqa: PLR0913 - what is served and where, each once
        self,
        name: str,
        app: web.Application,
        host: str,
        port: int,
        *,
        tls: TlsFiles | None = None,
        bounds: ConnectionBounds = BOUNDS,
        grpc: GrpcDoor | None = None,
    ) -> None:
        self.name = name
        self.port = port  # 0 becomes the port that was given
        self._app = app
        self._host = host
        self._tls = tls
        self._bounds = bounds
        self._grpc = grpc  # None: HTTP/1.1 alone is spoken
        self._up = asyncio.Event()

    async def up(self) -> None:
        """Wait until the port answers."""
        await self._up.wait()

    async def run(self) -> None:
        """Serve.

        Raises:
            InvalidSettings: the port is taken, or not ours to listen on.
        """
        runner = web.AppRunner(
            self._app,
            access_log=None,
            auto_decompress=False,  # a body's bound counts what arrives; a compressed one could grow a thousandfold
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
            logger=_logger(),
            shutdown_timeout=STOP_S,
        )
        async with self._grpc.open(STOP_S) if self._grpc else contextlib.nullcontext():
            await runner.setup()
            try:
                server, gate = await self._listen(runner)
                try:
                    self._up.set()
                    await asyncio.Event().wait()
                finally:
                    server.close()
                    gate.close()
            finally:
                await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> tuple[asyncio.Server, Gate]:
        tls: dict[str, Any] = {}
        if self._tls is not None:
            tls = {"ssl": self._tls.context, "ssl_handshake_timeout": self._bounds.handshake_s}
        if runner.server is None:
            raise RuntimeError("the runner was not set up")
        gate = Gate(runner.server, self._bounds, self._grpc)
        try:
            server = await asyncio.get_running_loop().create_server(gate, self._host, self.port, **tls)
        except (OSError, OverflowError) as err:
            raise InvalidSettings(
                f"{self._host}:{self.port} cannot be listened on: {err}",
                remedy="free the port, or set another one in the settings' `api`",
            ) from err
        self.port = server.sockets[0].getsockname()[1]
        return server, gate


def _logger() -> logging.Logger:
    """Return aiohttp's logger without the trace that anybody could order by sending bytes that are no request."""
    logger = logging.getLogger("aiohttp.server")
    if not any(isinstance(log_filter, _NoStrangers) for log_filter in logger.filters):
        logger.addFilter(_NoStrangers())
    return logger


class _NoStrangers(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], STRANGERS))

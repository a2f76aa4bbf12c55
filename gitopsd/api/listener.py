"""One listening socket as a service."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from gitopsd.api.tls import TlsFiles
from gitopsd.errors import InvalidSettings

STOP_S = 3.0  # for answers under way when the daemon stops
IDLE_S = 75.0  # of a connection between two requests


class Listener:
    """Serves an application on a port from `run` until it is cancelled."""

    def __init__(self, name: str, app: web.Application, host: str, port: int, *, tls: TlsFiles | None = None) -> None:
        self.name = name
        self.port = port  # 0 becomes the port that was given
        self._app = app
        self._host = host
        self._tls = tls
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
            logger=logging.getLogger("aiohttp.server"),
            shutdown_timeout=STOP_S,
        )
        await runner.setup()
        try:
            await self._listen(runner)
            self._up.set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        site = web.TCPSite(runner, self._host, self.port, ssl_context=self._tls.context if self._tls else None)
        try:
            await site.start()
        except (OSError, OverflowError) as err:
            raise InvalidSettings(
                f"{self._host}:{self.port} cannot be listened on: {err}",
                remedy="free the port, or set another one in the settings' `api`",
            ) from err
        self.port = runner.addresses[0][1]

"""Probes and metrics, on a listener of their own that is started first and stopped last."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.words import without_credentials

Scrape = Callable[[str], Awaitable[tuple[bytes, str]]]  # an Accept header → body, content type
LAG_WINDOW_S = 10.0  # a lag is held against the daemon for so long


@dataclass(frozen=True, slots=True)
class DaemonPart:
    """One part of the daemon: a cluster's mirror, the store, Redis."""

    name: str
    ready: bool
    detail: str = ""
    required: bool = True  # False: the daemon serves without it (Redis, a cluster that is away)


class LoopLagReader(Protocol):
    def worst_s(self, within_s: float) -> float: ...


class Readiness:
    """Whether the daemon serves: starting, then ready (with what is degraded), then stopping."""

    def __init__(self, parts: Callable[[], Sequence[DaemonPart]]) -> None:
        self._parts = parts
        self._stopping = False

    def stopping(self) -> None:
        """Say "stopping" from now on."""
        self._stopping = True

    @property
    def state(self) -> str:
        if self._stopping:
            return "stopping"
        return "ready" if all(part.ready for part in self._parts() if part.required) else "starting"

    def report(self) -> web.Response:
        state = self.state
        parts = [
            {
                "name": without_credentials(part.name),
                "ready": part.ready,
                "detail": without_credentials(part.detail),
            }
            for part in self._parts()
        ]
        response = answer({"status": state, "parts": parts})
        response.set_status(http.HTTPStatus.OK if state == "ready" else http.HTTPStatus.SERVICE_UNAVAILABLE)
        return response


class Probes:
    """Alive: the loop answers, and does not lag. Shared by both listeners."""

    def __init__(self, lag: LoopLagReader, *, bound_s: float = 5.0) -> None:
        self._lag = lag
        self._bound_s = bound_s

    async def healthz(self, _: web.Request) -> web.Response:
        await asyncio.sleep(0)  # one turn of the loop: what is due runs before the answer
        alive = self._lag.worst_s(LAG_WINDOW_S) <= self._bound_s
        status = http.HTTPStatus.OK if alive else http.HTTPStatus.SERVICE_UNAVAILABLE
        return web.Response(status=status, text="ok" if alive else "the event loop lags")


def probe_routes(health: Probes, readiness: Readiness, metrics: Scrape) -> list[web.RouteDef]:
    """Return `/healthz`, `/readyz` and `/metrics`."""

    async def readyz(_: web.Request) -> web.Response:
        return readiness.report()

    async def scrape(request: web.Request) -> web.Response:
        body, content_type = await metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/healthz", health.healthz), web.get("/readyz", readyz), web.get("/metrics", scrape)]

"""An HTTP server that answers as a test wants, where a real API server would not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from gitopsd.kube.client import KubeClient
from gitopsd.settings import ClusterSettings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Fake:
    """Answers the requests of each path in turn with what was scripted; the last answer is for all that follow."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and query, in order
    scripts: dict[str, list[Answer]] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def script(self, path: str, *answers: Answer) -> None:
        self.scripts[path] = list(answers)

    def queries(self, path: str) -> list[dict[str, str]]:
        return [query for asked, query in self.asked if asked == path]

    def client(self, **settings: Any) -> KubeClient:
        return KubeClient(ClusterSettings("fake", server=self.url, **settings))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        script = self.scripts.get(request.path)
        if not script:
            return web.json_response(status_of(404, "no such thing"), status=404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        return await answer(request)

    async def hold(self) -> None:
        """Wait until the test is over: a server that says nothing."""
        await self.ended.wait()


@asynccontextmanager
async def serving() -> AsyncIterator[Fake]:
    fake = Fake()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        fake.ended.set()
        await runner.cleanup()


def status_of(code: int, message: str, **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, **more}


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer of JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return web.Response(body=data, status=status, headers=headers, content_type="application/json")

    return answer


def rests(seconds: int) -> Answer:
    """Return what a server answers that has too much to do."""

    async def answer(_: web.Request) -> web.StreamResponse:
        text = "Too many requests, please try again later.\n"
        return web.Response(text=text, status=429, headers={"Retry-After": f"{seconds}"})

    return answer


def refuses(code: int, message: str = "no", **headers: str) -> Answer:
    return says(status_of(code, message), code, **headers)

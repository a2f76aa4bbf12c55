"""The API on a real port of loopback, and a client that holds its token."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import aiohttp
from aiohttp import web

from gitopsd.api.app import ApiWiring, api_app, grpc_door
from gitopsd.api.connections import ConnectionBounds
from gitopsd.api.grpc.door import GrpcDoor
from gitopsd.api.listener import BOUNDS, Listener
from gitopsd.api.logins import FailedLogins
from gitopsd.api.middleware import Watched
from gitopsd.api.probes import Probes
from gitopsd.api.tls import TlsFiles
from gitopsd.api.webhooks import BOUNDS as WEBHOOK_BOUNDS
from gitopsd.api.webhooks import WebhookBounds, WebhookEndpoint
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.tasks import running
from gitopsd.usecases.authentication import Authenticator, StaticToken
from gitopsd.usecases.backend import VersionInfo
from gitopsd.usecases.rights import Rights, RightsPolicy
from gitopsd.usecases.sessions import Sessions
from gitopsd.usecases.watching import ChangeFeed
from gitopsd.usecases.wiring import UseCaseWiring, use_cases
from tests.fakes.accounts import AccountWorld, account_world
from tests.fakes.backend import FakeBackend

TOKEN = "a-token-for-tests"  # noqa: S105 - guards nothing
NOW_S = 1_800_000_000.0


@dataclass
class Api:
    """One daemon's API."""

    backend: FakeBackend
    changes: ChangeFeed
    url: str
    port: int
    session: aiohttp.ClientSession  # with the token
    pushes: list[tuple[str, ...]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)  # of webhooks
    observed: list[tuple[str, str, int]] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)
    called: list[tuple[str, str]] = field(default_factory=list)  # path and code, of gRPC
    refused: list[str] = field(default_factory=list)  # what came instead of the token
    routes: set[tuple[str, str]] = field(default_factory=set)  # method and path of everything that is served

    async def get(self, path: str, **query: Any) -> Any:
        async with self.session.get(self.url + path, params=query) as answer:
            assert 200 == answer.status, await answer.text()
            return await answer.json()

    async def status(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def serving(  # noqa: PLR0913 - every option has a default
    backend: FakeBackend,
    *,
    token: Callable[[], str] = lambda: TOKEN,
    secrets: Mapping[str, bytes] = MappingProxyType({}),
    request_s: float = 60.0,
    refresh_s: float = 50.0,
    accounts: AccountWorld | None = None,
    authenticator: Authenticator | None = None,
    policy: RightsPolicy | None = None,
    webhook_bounds: WebhookBounds = WEBHOOK_BOUNDS,
    changes: ChangeFeed | None = None,
    tls: TlsFiles | None = None,
) -> AsyncIterator[Api]:
    """Serve `backend` while the block runs."""
    news = changes or ChangeFeed()
    async with contextlib.AsyncExitStack() as stack:
        world = accounts or stack.enter_context(account_world())
        sessions = Sessions(world.base, StaticToken(token))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}, cookie_jar=aiohttp.DummyCookieJar())
        )
        api = Api(backend, news, "", 0, session)

        def on_push(urls: Sequence[str], _: Sequence[str]) -> int:
            api.pushes.append(tuple(urls))
            return 1

        parts = ApiWiring(
            uses=use_cases(UseCaseWiring(backend, Rights(policy), sessions, news, lambda: NOW_S, refresh_s=refresh_s)),
            authenticator=authenticator or sessions,
            webhook=WebhookEndpoint(
                lambda provider: secrets.get(provider, b""),
                on_push,
                on_result=lambda result, _: api.results.append(result),
                bounds=webhook_bounds,
            ),
            health=Probes(LoopLag()),
            version=VersionInfo("0.1.0"),
            now_s=lambda: NOW_S,
            watched=Watched(
                observe=lambda method, route, status, _: api.observed.append((method, route, status)),
                unforeseen=api.unforeseen.append,
                called=lambda path, code: api.called.append((path, code)),
            ),
            failed=FailedLogins(api.refused.append),
            request_s=request_s,
        )
        grpc = grpc_door(parts)
        app = api_app(parts, grpc)
        api.routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
        async with listening(app, tls, grpc=grpc) as port:
            api.port = port
            api.url = f"http://127.0.0.1:{port}"
            yield api


@contextlib.asynccontextmanager
async def connected(port: int, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Open a connection, send `request` as it is, and give the answer's stream; the connection ends with the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(10):
            yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until(condition: Callable[[], Awaitable[bool]], deadline_s: float = 10.0) -> None:
    """Wait for `condition`; raises TimeoutError where it does not come true in time."""
    async with asyncio.timeout(deadline_s):
        while not await condition():  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def listening(
    app: web.Application,
    tls: TlsFiles | None = None,
    bounds: ConnectionBounds = BOUNDS,
    grpc: GrpcDoor | None = None,
) -> AsyncIterator[int]:
    """Serve `app` on a free port of loopback while the block runs; gives the port."""
    listener = Listener("api", app, "127.0.0.1", 0, tls=tls, bounds=bounds, grpc=grpc)
    async with running(listener):
        await listener.up()
        yield listener.port

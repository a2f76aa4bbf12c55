"""`POST /api/webhook`: a push with its provider's secret is a reason to fetch; nothing in it is trusted."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
import structlog
from aiohttp import web

from gitopsd.api.answers import answer, refusal
from gitopsd.core.source.webhook import WebhookProvider, providers_of
from gitopsd.core.source.webhook_events import IgnoredEvent, PingEvent, PushEvent, WebhookEvent
from gitopsd.errors import InvalidPayload

log = structlog.get_logger()

WEBHOOK = "/api/webhook"
SMALL_BYTES = 256 << 10  # larger ones are checked in a thread: hashing 25 MiB takes longer than the loop may lag

# URLs of the repository, and commits that were pushed to it → how many repositories of ours that is
OnPush = Callable[[Sequence[str], Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class WebhookBounds:
    max_bytes: int = 25 << 20  # of one body
    deadline_s: float = 10.0  # for a body to be in
    buffer_bytes: int = 64 << 20  # of all bodies being read: strangers can fill this, and no more


class _PayloadRefused(Exception):
    """Why the payload is not taken, for the metric; the sender learns the status alone."""

    def __init__(self, result: str, status: int = http.HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(result)
        self.result = result
        self.status = status


BOUNDS = WebhookBounds()


class WebhookEndpoint:
    def __init__(
        self,
        secret_of: Callable[[str], bytes],
        on_push: OnPush,
        *,
        on_result: Callable[[str, str], None] = lambda *_: None,
        bounds: WebhookBounds = BOUNDS,
    ) -> None:
        """Check requests against the secret of their provider, and hand pushes to `on_push`, which only queues work.

        `secret_of` gives the secret of the provider of that name; empty: its webhooks get 404, as do those of nobody.

        `on_result` hears each result and, for a push that matched, the repository's URL.
        """
        self._secret_of = secret_of
        self._on_push = on_push
        self._on_result = on_result
        self._bounds = bounds
        self._buffered_bytes = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(WEBHOOK, self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        try:
            event = await self._event(request)
        except _PayloadRefused as err:
            self._on_result(err.result, "")
            response = refusal(err.status, http.HTTPStatus(err.status).phrase)
            response.force_close()  # the rest of the body is not worth reading
            return response
        return self._taken(event)

    def _taken(self, event: WebhookEvent) -> web.Response:
        match event:
            case PushEvent(urls, refs, commits):
                matched = self._on_push(urls, commits)
                self._on_result("push" if matched else "unmatched", urls[0] if matched else "")
                log.info("webhook.push", url=urls[0], refs=list(refs), matched=matched)
            case PingEvent():
                self._on_result("ping", "")
            case IgnoredEvent():
                self._on_result("ignored", "")
        return answer({"status": "accepted"})

    async def _event(self, request: web.Request) -> WebhookEvent:
        provider, secret = self._provider(request)
        if (request.content_length or 0) > self._bounds.max_bytes:
            raise _PayloadRefused("too-large", http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        credential, event = request.headers[provider.credential], request.headers.get(provider.event, "")
        with self._buffer() as take:
            body = await self._body(request, take)
            if len(body) <= SMALL_BYTES:
                return _checked(provider, secret, body, credential, event)
            return await asyncio.to_thread(_checked, provider, secret, body, credential, event)

    def _provider(self, request: web.Request) -> tuple[WebhookProvider, bytes]:
        """Return whose request it is, with the secret; a wrong one that is not of the body is refused unread."""
        providers = ((provider, self._secret_of(provider.name)) for provider in providers_of(request.headers))
        likely = [(provider, secret) for provider, secret in providers if secret]
        if not likely:
            raise _PayloadRefused("unconfigured", http.HTTPStatus.NOT_FOUND)
        presented = [(provider, secret) for provider, secret in likely if provider.credential in request.headers]
        if not presented:
            raise _PayloadRefused("unsigned")
        for provider, secret in presented:
            if provider.signs or provider.genuine(secret, b"", request.headers[provider.credential]):
                return provider, secret
        raise _PayloadRefused("forged")

    async def _body(self, request: web.Request, take: Callable[[int], None]) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._bounds.deadline_s):
                async for chunk in request.content.iter_any():
                    take(len(chunk))
                    body += chunk
                    if len(body) > self._bounds.max_bytes:
                        raise _PayloadRefused("too-large", http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except TimeoutError as err:
            raise _PayloadRefused("slow", http.HTTPStatus.REQUEST_TIMEOUT) from err
        except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError) as err:
            raise _PayloadRefused("truncated") from err
        return bytes(body)

    @contextmanager
    def _buffer(self) -> Iterator[Callable[[int], None]]:
        """Give what counts the bytes of one body against all bodies being read, and gives them back after."""
        taken_bytes = 0

        def take(size_bytes: int) -> None:
            nonlocal taken_bytes
            if self._buffered_bytes + size_bytes > self._bounds.buffer_bytes:
                raise _PayloadRefused("overloaded", http.HTTPStatus.SERVICE_UNAVAILABLE)
            taken_bytes += size_bytes
            self._buffered_bytes += size_bytes

        try:
            yield take
        finally:
            self._buffered_bytes -= taken_bytes


def _checked(provider: WebhookProvider, secret: bytes, body: bytes, credential: str, event: str) -> WebhookEvent:
    if not provider.genuine(secret, body, credential):
        raise _PayloadRefused("forged")
    try:
        return provider.parse(event, body)
    except InvalidPayload as err:
        raise _PayloadRefused("invalid") from err

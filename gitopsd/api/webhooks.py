"""`POST /api/webhook`: a signed push is a reason to fetch, and nothing in it is trusted."""

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
from gitopsd.core.source.webhook import IgnoredEvent, PingEvent, PushEvent, parse_push, verify
from gitopsd.errors import InvalidPayload

log = structlog.get_logger()

WEBHOOK = "/api/webhook"
SMALL_BYTES = 256 << 10  # larger ones are checked in a thread: hashing 25 MiB takes longer than the loop may lag

OnPush = Callable[[Sequence[str], str], int]  # URLs of the repository, ref → how many repositories of ours that is


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
        secret: Callable[[], bytes],
        on_push: OnPush,
        *,
        on_result: Callable[[str, str], None] = lambda *_: None,
        bounds: WebhookBounds = BOUNDS,
    ) -> None:
        """Check payloads against `secret` (empty: answer 404) and hand pushes to `on_push`, which only queues work.

        `on_result` hears each result and, for a push that matched, the repository's URL.
        """
        self._secret = secret
        self._on_push = on_push
        self._on_result = on_result
        self._bounds = bounds
        self._buffered_bytes = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(WEBHOOK, self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        secret = self._secret()
        if not secret:
            self._on_result("unconfigured", "")
            return refusal(http.HTTPStatus.NOT_FOUND, "Not Found")
        try:
            payload = await self._payload(request, secret)
        except _PayloadRefused as err:
            self._on_result(err.result, "")
            response = refusal(err.status, http.HTTPStatus(err.status).phrase)
            response.force_close()  # the rest of the body is not worth reading
            return response
        return self._taken(payload)

    def _taken(self, payload: PushEvent | PingEvent | IgnoredEvent) -> web.Response:
        match payload:
            case PushEvent(urls, ref):
                matched = self._on_push(urls, ref)
                self._on_result("push" if matched else "unmatched", urls[0] if matched else "")
                log.info("webhook.push", url=urls[0], ref=ref, matched=matched)
            case PingEvent():
                self._on_result("ping", "")
            case IgnoredEvent():
                self._on_result("ignored", "")
        return answer({"status": "accepted"})

    async def _payload(self, request: web.Request, secret: bytes) -> PushEvent | PingEvent | IgnoredEvent:
        if (request.content_length or 0) > self._bounds.max_bytes:
            raise _PayloadRefused("too-large", http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        signature, event = request.headers.get("X-Hub-Signature-256"), request.headers.get("X-GitHub-Event", "")
        if signature is None:
            raise _PayloadRefused("unsigned")
        with self._buffer() as take:
            body = await self._body(request, take)
            if len(body) <= SMALL_BYTES:
                return _checked(secret, body, signature, event)
            return await asyncio.to_thread(_checked, secret, body, signature, event)

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


def _checked(secret: bytes, body: bytes, signature: str, event: str) -> PushEvent | PingEvent | IgnoredEvent:
    if not verify(secret, body, signature):
        raise _PayloadRefused("forged")
    try:
        return parse_push(event, body)
    except InvalidPayload as err:
        raise _PayloadRefused("invalid") from err

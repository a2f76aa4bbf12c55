"""`/api/v1/stream/applications`, `…/{name}/resource-tree`: changes as server-sent events, or lines as Argo CD's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.fields import SelectedFields, fields_of
from gitopsd.api.logins import caller_of, presented_token
from gitopsd.api.rest.query import filters_of
from gitopsd.api.rest.resources import tree_json
from gitopsd.api.rest.show import Show
from gitopsd.errors import NotFound, TooSlow
from gitopsd.model.ids import AppName
from gitopsd.runtime.deadline import within
from gitopsd.usecases.authentication import Authenticator, StreamHolder
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.resources import ResourceUseCases
from gitopsd.usecases.watching import ApplicationEvent, EventKind, WatchUseCases

STREAM = "/api/v1/stream/applications"
TREES = f"{STREAM}/{{name}}/resource-tree"
SSE = "text/event-stream"
SENT_KEPT = 256  # events of the last moment, which other readers are told of, too


class EventStream:
    def __init__(
        self,
        watch: WatchUseCases,
        resources: ResourceUseCases,
        show: Show,
        authenticator: Authenticator,
        *,
        write_s: float = 20.0,
    ) -> None:
        """Drop a client that takes nothing for `write_s`."""
        self._watch = watch
        self._resources = resources
        self._show = show
        self._authenticator = authenticator
        self._write_s = write_s
        self._sent: dict[tuple[AppName, EventKind, str], _Sent] = {}  # emptied when it is full

    def routes(self) -> list[web.RouteDef]:
        return [web.get(STREAM, self.stream), web.get(TREES, self.trees)]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        filters = filters_of(request.query)
        fields = fields_of(request.query.get("fields", ""), "result.application.")
        listed = bool(request.query.get("resourceVersion", ""))  # Argo CD's: what is there is known already
        sse = SSE in request.headers.get("Accept", "")
        response = web.StreamResponse(headers={"Content-Type": SSE if sse else "application/json"})
        holder = StreamHolder(
            self._authenticator, presented_token(request), request.remote or "", asyncio.get_running_loop().time
        )
        with self._watch.subscribe() as subscriber:
            await response.prepare(request)
            client = StreamClient(response, sse=sse, write_s=self._write_s)
            try:
                async for events in self._watch.applications(holder, filters, subscriber, listed=listed):
                    await (
                        client.send_texts([self._text(each, fields) for each in events]) if events else client.beat()
                    )
            except (TooSlow, ConnectionError):
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def trees(self, request: web.Request) -> web.StreamResponse:
        """Stream the resource tree of one application: as it is, and when it has changed."""
        name, last = AppName(request.match_info["name"]), b""
        self._resources.tree(caller_of(request), name)  # one that is not there is refused before anything is sent
        sse = SSE in request.headers.get("Accept", "")
        response = web.StreamResponse(headers={"Content-Type": SSE if sse else "application/json"})
        clock = asyncio.get_running_loop().time
        holder = StreamHolder(self._authenticator, presented_token(request), request.remote or "", clock)
        with self._watch.subscribe() as subscriber:
            await response.prepare(request)
            client = StreamClient(response, sse=sse, write_s=self._write_s)
            try:
                async for tree in self._resources.trees(holder, name, subscriber):
                    text = orjson.dumps({"result": tree_json(tree)})
                    await (client.beat() if text == last else client.send_texts([text]))
                    last = text
            except (TooSlow, ConnectionError):
                if request.transport is not None:
                    request.transport.abort()
            except NotFound:  # it is gone by now, or no more for this client
                pass
        return response

    def _text(self, event: ApplicationEvent, fields: SelectedFields) -> bytes:
        """Return an event as JSON; the same text for all who are told of it within a moment."""
        key, now_s = (event.name, event.kind, fields.text), asyncio.get_running_loop().time()
        sent = self._sent.get(key)
        if sent is None or sent.view is not event.view or now_s - sent.at_s > self._watch.rest_s:
            if len(self._sent) >= SENT_KEPT:
                self._sent.clear()
            sent = self._sent[key] = _Sent(event.view, now_s, orjson.dumps(self._event(event, fields)))
        return sent.text

    def _event(self, event: ApplicationEvent, fields: SelectedFields) -> dict[str, Any]:
        text = (
            self._show.application(event.view, fields)
            if event.view
            else orjson.dumps({"metadata": {"name": event.name}})
        )
        return {"result": {"type": event.kind.value, "application": orjson.Fragment(text)}}


@dataclass(frozen=True, slots=True)
class _Sent:
    view: AppView | None
    at_s: float
    text: bytes


class StreamClient:
    """The other end of a stream."""

    def __init__(self, response: web.StreamResponse, *, sse: bool, write_s: float) -> None:
        self._response = response
        self._sse = sse
        self._write_s = write_s

    async def send(self, event: dict[str, Any]) -> None:
        await self.send_texts([orjson.dumps(event)])

    async def send_texts(self, events: Sequence[bytes]) -> None:
        """Send events, each a JSON value."""
        before, between = (b"data: ", b"\n\n") if self._sse else (b"", b"\n")
        await self._write(b"".join(part for event in events for part in (before, event, between)))

    async def beat(self) -> None:
        """Send a sign of life."""
        await self._write(b": beat\n\n" if self._sse else b"\n")

    async def _write(self, text: bytes) -> None:
        await within(self._write_s, "the client of a stream", self._response.write(text))

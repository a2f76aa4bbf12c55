"""`/api/v1/stream/applications`: changes as server-sent events or as JSON lines, as Argo CD streams them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.answers import Overloaded
from gitopsd.api.backend import AppView, Backend
from gitopsd.api.logins import Holder
from gitopsd.api.rest.query import Filters, ListPage, filters_of, selected
from gitopsd.api.rest.show import Show
from gitopsd.errors import NotFound, TooSlow
from gitopsd.model.ids import AppName
from gitopsd.runtime.deadline import within

STREAM = "/api/v1/stream/applications"
SSE = "text/event-stream"


class ChangeFeed:
    """Tells subscribers which applications changed: names, each once until it is read, so no queue can grow."""

    def __init__(self, *, max_subscribers: int = 256) -> None:
        self._max_subscribers = max_subscribers
        self._subscribers: set[Subscriber] = set()
        self._closed = False

    def changed(self, name: AppName) -> None:
        """Tell that `name` was published, was deleted, or was asked something of."""
        for subscriber in self._subscribers:
            subscriber.put(name)

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Give a subscriber that hears of every change while the block runs; raises Overloaded when there are many."""
        if len(self._subscribers) >= self._max_subscribers:
            raise Overloaded(f"{len(self._subscribers)} streams are open", remedy="close one, or try again later")
        subscriber = Subscriber()
        if self._closed:
            subscriber.close()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End all streams, and at once those that are opened from now on: the daemon stops."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.close()


class Subscriber:
    """Names that changed and were not read yet."""

    def __init__(self) -> None:
        self._names: dict[AppName, None] = {}
        self._news = asyncio.Event()
        self.closed = False

    def put(self, name: AppName) -> None:
        self._names[name] = None
        self._news.set()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    async def next(self, patience_s: float) -> Sequence[AppName]:
        """Wait for changes, at most `patience_s`, and take them all; empty when nothing happened."""
        try:
            async with asyncio.timeout(patience_s):
                await self._news.wait()
        except TimeoutError:
            return ()
        names = tuple(self._names)
        self._names.clear()
        if not self.closed:
            self._news.clear()
        return names


class EventStream:
    def __init__(  # noqa: PLR0913 - three bounds, all with defaults
        self,
        backend: Backend,
        show: Show,
        changes: ChangeFeed,
        token: Callable[[], str],
        *,
        beat_s: float = 5.0,
        write_s: float = 20.0,
        life_s: float = 900.0,
    ) -> None:
        """Send a sign of life every `beat_s`; drop a client that takes nothing for `write_s`.

        A stream ends after `life_s`, and when its client's token is none any more; the client opens it anew.
        """
        self._backend = backend
        self._show = show
        self._changes = changes
        self._token = token
        self._beat_s = beat_s
        self._write_s = write_s
        self._life_s = life_s

    def routes(self) -> list[web.RouteDef]:
        return [web.get(STREAM, self.stream)]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        filters = filters_of(request.query)
        sse = SSE in request.headers.get("Accept", "")
        response = web.StreamResponse(headers={"Content-Type": SSE if sse else "application/json"})
        with self._changes.subscribe() as subscriber:
            await response.prepare(request)
            try:
                holder = Holder(request, self._token, asyncio.get_running_loop().time)
                await self._feed(_Client(response, sse=sse, write_s=self._write_s), holder, subscriber, filters)
            except (TooSlow, ConnectionError):
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _feed(self, client: _Client, holder: Holder, subscriber: Subscriber, filters: Filters) -> None:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._life_s
        teller = _Teller(self._show.application, filters)
        await client.beat()
        for view in selected(self._backend.views(), filters, ListPage()).views:
            await client.send(teller.event(view.application.name, view))
        while not subscriber.closed and loop.time() < ends_s:
            names = await subscriber.next(self._beat_s)
            if not holder.still_holds():
                return
            for name in names or await client.beat():
                await client.send(teller.event(name, self._view(name)))

    def _view(self, name: AppName) -> AppView | None:
        try:
            return self._backend.view(name)
        except NotFound:
            return None


class _Teller:
    """Knows what one client was shown, so that what leaves its filter is told as DELETED."""

    def __init__(self, show: Callable[[AppView], bytes], filters: Filters) -> None:
        self._show = show
        self._filters = filters
        self._known: set[AppName] = set()

    def event(self, name: AppName, view: AppView | None) -> dict[str, Any] | None:
        """Return the event for an application as it is now; None where this client need not know."""
        if view is not None and self._filters.match(view):
            kind = "MODIFIED" if name in self._known else "ADDED"
            self._known.add(name)
        elif name in self._known:
            kind = "DELETED"
            self._known.discard(name)
        else:
            return None
        application = self._show(view) if view else orjson.dumps({"metadata": {"name": name}})
        return {"result": {"type": kind, "application": orjson.Fragment(application)}}


class _Client:
    """The other end of a stream."""

    def __init__(self, response: web.StreamResponse, *, sse: bool, write_s: float) -> None:
        self._response = response
        self._sse = sse
        self._write_s = write_s

    async def send(self, event: dict[str, Any] | None) -> None:
        if event is not None:
            text = orjson.dumps(event)
            await self._write(b"data: " + text + b"\n\n" if self._sse else text + b"\n")

    async def beat(self) -> Sequence[AppName]:
        """Send a sign of life; returns no names."""
        await self._write(b": beat\n\n" if self._sse else b"\n")
        return ()

    async def _write(self, text: bytes) -> None:
        await within(self._write_s, "the client of a stream", self._response.write(text))

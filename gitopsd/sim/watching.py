"""Watches: the log of a kind's changes as a stream of JSON lines."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from gitopsd.sim.answers import Refusal, expired, too_large
from gitopsd.sim.list_options import check_watch, version_of
from gitopsd.sim.reading import View, chosen_of
from gitopsd.sim.selectors import Selection
from gitopsd.sim.store import Collection, Event

BOOKMARK_S = 10.0  # between two bookmarks on a watch that asks for them
_EARLY_S = 2.0  # before a watch ends, so that its client goes on from there
_EVENTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a watch asks for."""

    version: int | None  # start after this one; None: begin with what is there
    initial: bool  # begin with what is there …
    initial_end: bool  # … and say where that ends
    not_older: int  # … at this version at least
    bookmarks: bool
    timeout_s: float

    @staticmethod
    def parse(query: Mapping[str, str]) -> Wish:
        """Return what a watch's query asks for.

        Raises:
            Refusal: 400 or 422, it cannot be understood.
        """
        check_watch(query)
        version = version_of(query)
        begins = query.get("sendInitialEvents")
        streamed = begins == "true"
        timeout = query.get("timeoutSeconds") or ""
        bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        return Wish(
            version=None if streamed else version or None,
            initial=streamed or (begins is None and not version),
            not_older=version if streamed else 0,
            initial_end=streamed and bookmarks,
            bookmarks=bookmarks,
            timeout_s=float(timeout) if timeout.isdecimal() else 1800 * (1 + random.random()),  # noqa: S311 - spreads ends
        )


@dataclass(slots=True)
class OpenWatch:
    """One open watch. From a version that is not reached yet, it says nothing up to there, not even a bookmark."""

    view: View
    collection: Collection
    chosen: Selection
    wish: Wish
    version: Callable[[], int]  # of the cluster, for bookmarks
    write: Callable[[bytes], Awaitable[None]]  # sends bytes to the client
    _ends: float = 0.0  # loop times
    _marks: float = 0.0

    async def run(self) -> None:
        """Write events until the time is over or the kind is gone."""
        now = asyncio.get_running_loop().time()
        self._ends = now + self.wish.timeout_s
        self._marks = now + min(BOOKMARK_S, max(0.0, self.wish.timeout_s - _EARLY_S))
        position = self.collection.end()
        if self.wish.version is not None:
            if self.wish.version < self.collection.begun:
                await self.write(_gone(self.wish.version, self.collection.begun))
                return
            position = self.collection.position(self.wish.version)
        if self.wish.not_older > self.version():
            await self.write(error_line(too_large(self.wish.not_older, self.version())))
            return
        if self.wish.initial:
            await self._begin()
        await self._go_on(position)

    async def _begin(self) -> None:
        """Write what is there, and where that ends."""
        at = self.version()
        for lines in _initial(self.view, self.collection, self.chosen):
            await self.write(lines)
        if self.wish.initial_end:
            await self.write(self.view.bookmark(at, initial_end=True))

    async def _go_on(self, position: int) -> None:
        loop = asyncio.get_running_loop()
        after = self.wish.version or 0
        while not self.collection.closed:
            events = self.collection.since(position)
            if events is None:
                await self.write(_gone(0, self.collection.begun))
                return
            if events:
                position += len(events)
                news = (event for event in events if event.new.version > after)
                lines = b"".join(line for event in news if (line := _line(self.view, self.chosen, event)))
                if lines:
                    await self.write(lines)
            elif loop.time() >= self._ends:
                return
            elif self.wish.bookmarks and loop.time() >= self._marks:
                if self.version() > after:
                    await self.write(self.view.bookmark(self.version()))
                last = self._marks >= self._ends - _EARLY_S
                self._marks = self._ends if last else min(loop.time() + BOOKMARK_S, self._ends - _EARLY_S)
            else:
                await self._rest(loop.time())

    async def _rest(self, now: float) -> None:
        """Wait for a change, or for the time of a bookmark or of the end."""
        until = min(self._ends, self._marks if self.wish.bookmarks else self._ends)
        with suppress(TimeoutError):
            async with asyncio.timeout(until - now):
                await self.collection.changed()


def _initial(view: View, collection: Collection, chosen: Selection) -> Iterator[bytes]:
    lines = []
    for stored in chosen_of(collection, chosen):
        lines.append(b'{"type":"ADDED","object":%b}\n' % view.one(stored))
        if len(lines) == _EVENTS_AT_ONCE:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _line(view: View, chosen: Selection, event: Event) -> bytes | None:
    """Return an event as the watch sees it; None when neither the old nor the new object is chosen."""
    was = event.old is not None and chosen.has(event.old)
    now = event.change != "DELETED" and chosen.has(event.new)
    if now:
        return b'{"type":"%b","object":%b}\n' % (b"MODIFIED" if was else b"ADDED", view.one(event.new))
    if not was:
        return None
    if event.change == "DELETED" or event.old is None:
        return b'{"type":"DELETED","object":%b}\n' % view.one(event.new)
    former: dict[str, Any] = orjson.loads(view.one(event.old))  # as it was when it was last chosen, but at this version
    former["metadata"]["resourceVersion"] = f"{event.new.version}"
    return b'{"type":"DELETED","object":%b}\n' % orjson.dumps(former)


def _gone(version: int, oldest: int) -> bytes:
    return error_line(expired(f"too old resource version: {version} ({oldest})"))


def error_line(refusal: Refusal) -> bytes:
    """Return a refusal as the event that a watch ends with."""
    return orjson.dumps({"type": "ERROR", "object": refusal.status}) + b"\n"

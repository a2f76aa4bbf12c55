"""Changes of applications, as they happen, for whoever may get them."""

from __future__ import annotations

import asyncio
import enum
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from gitopsd.errors import NotFound, Overloaded
from gitopsd.model.application import Application
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.backend import AppView, Backend
from gitopsd.usecases.listing import Filters, ListPage, selected

LISTED_AT_ONCE = 50  # applications
WINDOW_S, MUCH = 0.1, 100  # so many changes times readers in such a time are much to tell
SEEN_KEPT = 256  # views of what changed in the last moment


class ChangeFeed:
    """Tells subscribers which applications changed: names, each once until it is read, so no queue can grow."""

    def __init__(self, *, max_subscribers: int = 256) -> None:
        self._max_subscribers = max_subscribers
        self._subscribers: set[Subscriber] = set()
        self._seen: dict[AppName, tuple[float, AppView]] = {}  # emptied when it is full: a moment's is all that counts
        self._closed = False
        self._window, self._counted = 0, (0, 0)  # changes times readers, in the last window and in this one

    def changed(self, name: AppName) -> None:
        """Tell that `name` was published, was deleted, or was asked something of."""
        self._seen.pop(name, None)
        self._count()
        for subscriber in self._subscribers:
            subscriber.put(name)

    def busy(self) -> bool:
        """Tell whether there is, or was a moment ago, much to tell."""
        return max(self._counted) > MUCH

    def _count(self) -> None:
        window = int(time.monotonic() / WINDOW_S)
        if window != self._window:
            self._counted = (self._counted[1] if window == self._window + 1 else 0, 0)
            self._window = window
        self._counted = (self._counted[0], self._counted[1] + len(self._subscribers))

    def view(self, name: AppName, look: Callable[[AppName], AppView], within_s: float) -> AppView:
        """Return what `look` tells, or what it told another reader of the same change, less than `within_s` ago."""
        now_s = asyncio.get_running_loop().time()
        at_s, view = self._seen.get(name, (-math.inf, None))
        if view is None or now_s - at_s > within_s:
            view = look(name)
            if len(self._seen) >= SEEN_KEPT:
                self._seen.clear()
            self._seen[name] = (now_s, view)
        return view

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Give a subscriber that hears of every change while the block runs; raises Overloaded when there are many."""
        if len(self._subscribers) >= self._max_subscribers:
            raise Overloaded(f"{len(self._subscribers)} streams are open", remedy="close one, or try again later")
        subscriber = Subscriber(self.busy)
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

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._names: dict[AppName, None] = {}
        self._news = asyncio.Event()
        self._taken_s = -math.inf
        self.closed = False

    def put(self, name: AppName) -> None:
        self._names[name] = None
        self._news.set()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    async def next(self, patience_s: float, rest_s: float = 0.0) -> Sequence[AppName]:
        """Wait for changes, at most `patience_s`, and take them all; empty when nothing happened.

        While there is much to tell, there is one take in every `rest_s`: many changes are cheaper together.
        """
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(patience_s):
                await self._news.wait()
        except TimeoutError:
            return ()
        if not self.closed and self._busy() and (wait_s := self._taken_s + rest_s - clock()) > 0:
            await asyncio.sleep(wait_s)
        self._taken_s = clock()
        names = tuple(self._names)
        self._names.clear()
        if not self.closed:
            self._news.clear()
        return names


class EventKind(enum.Enum):
    """What became of an application in the eyes of one reader."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"  # or it left the filter, or may not be seen any more


@dataclass(frozen=True, slots=True)
class ApplicationEvent:
    kind: EventKind
    name: AppName
    view: AppView | None  # None where it was deleted


@dataclass(frozen=True, slots=True)
class WatchUseCases:
    backend: Backend
    access: ApplicationAccess
    changes: ChangeFeed
    beat_s: float = 5.0  # between two signs of life
    rest_s: float = 0.2  # between two takes of what changed, while there is much to tell
    life_s: float = 900.0  # of a stream; its client opens it anew

    def subscribe(self) -> AbstractContextManager[Subscriber]:
        """Give what `applications` reads from; raises Overloaded when many streams are open."""
        return self.changes.subscribe()

    async def applications(
        self, holder: StreamHolder, filters: Filters, subscriber: Subscriber, *, listed: bool = False
    ) -> AsyncIterator[Sequence[ApplicationEvent]]:
        """Yield every application that matches and that may be seen, then changes, some at once; none is a sign of
        life, and the second one follows on the whole list. To a client that has `listed` what there is, nothing but
        changes is told.

        Ends after `life_s`, when the daemon stops, and when the client is nobody any more.
        """
        clock = asyncio.get_running_loop().time
        ends_s = clock() + self.life_s
        reader = _WatchReader(self.access, filters)
        yield ()
        if (caller := holder.caller()) is None:
            return
        rights = self._rights(caller)
        found = selected(self.backend, filters, ListPage(), visible=self.access.visible(caller)).views
        for start in range(0, len(found), LISTED_AT_ONCE):
            views = found[start : start + LISTED_AT_ONCE]
            events = reader.events(caller, ((view.application.name, view) for view in views))
            if not listed:
                yield events
        yield ()  # the list is complete
        while not subscriber.closed and clock() < ends_s:
            names = await subscriber.next(self.beat_s, self.rest_s)
            if (caller := holder.caller()) is None:
                return
            if not names:
                yield ()
            if self._rights(caller) != rights:
                rights = self._rights(caller)
                names = sorted(reader.known | {app.name for app, _ in self.backend.candidates()})
            if events := reader.events(caller, ((name, self._view(name)) for name in names)):
                yield events

    def _rights(self, caller: Caller) -> tuple[object, ...]:
        """Return what changes with the caller's rights; those of a project change with its applications."""
        return (self.access.rights.version, *caller.subjects)

    def _view(self, name: AppName) -> AppView | None:
        try:
            return self.changes.view(name, self.backend.view, self.rest_s)
        except NotFound:
            return None


class _WatchReader:
    """Knows what one client was shown, so that what leaves its filter or its rights is told as DELETED."""

    def __init__(self, access: ApplicationAccess, filters: Filters) -> None:
        self._access = access
        self._test = filters.test()
        self.known: set[AppName] = set()

    def events(self, caller: Caller, changed: Iterable[tuple[AppName, AppView | None]]) -> list[ApplicationEvent]:
        """Return the events for applications as they are now, but for those of which this client need not know."""
        visible = self._access.visible(caller)
        found = (self._event(name, view, visible) for name, view in changed)
        return [event for event in found if event]

    def _event(
        self, name: AppName, view: AppView | None, visible: Callable[[Application], bool]
    ) -> ApplicationEvent | None:
        if view is not None and self._test(view.application, view.status) and visible(view.application):
            kind = EventKind.MODIFIED if name in self.known else EventKind.ADDED
            self.known.add(name)
            return ApplicationEvent(kind, name, view)
        if name in self.known:
            self.known.discard(name)
            return ApplicationEvent(EventKind.DELETED, name, None)
        return None

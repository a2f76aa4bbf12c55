"""The list-watch of one kind in one cluster: list, watch, and on 410 list again; a failure stays in this kind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import orjson
import structlog

from gitopsd.backoff import backoff_s
from gitopsd.errors import ClusterUnreachable, Retryable
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.kube.lines import Lines
from gitopsd.kube.paths import collection_path
from gitopsd.live.fair_slots import Lists, Slot
from gitopsd.live.kinds import STALE_S
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK, Manifest

log = structlog.get_logger()

METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
INITIAL_END = "k8s.io/initial-events-end"
GONE, SERVERS_FAULT, BAD_GATEWAY = 410, 500, 502
NO_STREAMS = frozenset({400, 404, 405, 406, 415, 422, 500, 501})
PAGE_BYTES = 4 << 20  # the size a page is brought to: it is parsed at once, and the loop waits meanwhile
BOOKMARK_S = 90.0  # a server sends a bookmark about every minute, 76 s after the last at the latest
IDLE_S = 150.0  # so a silent watch is a dead connection, or the server is behind the version that it goes on from
REFRESH_S = 600.0
REFUSED_RETRY_S = 60.0  # a right that is missing is granted by a person
LONGEST_RETRY_S = 30.0
SHORTEST_WATCH_S = 1.0  # a server that ends every watch at once is not to be asked in a loop
BREATH = 50  # objects decoded (some 50 µs each) before others have a turn


class Sink(Protocol):
    """Where the objects of one kind go."""

    def begin(self) -> None:
        """A full list begins: what is not put before `end` is gone."""
        ...

    def put(self, manifest: Manifest) -> None: ...
    def drop(self, manifest: Manifest) -> None: ...
    def end(self) -> None: ...

    def heard(self) -> None:
        """The server said something, so what we hold is as fresh as now."""
        ...

    def failed(self, cause: str, *, refused: bool) -> None:
        """The kind cannot be read: the server refuses, or (not `refused`) the connection failed just now."""
        ...


class Expired(Exception):
    """The server has forgotten the version to go on from: list again."""


class WatchRefused(Exception):
    """The server says no to this kind: a right, a broken conversion, a kind that has gone."""

    def __init__(self, what: str, kind: tuple[int, str]) -> None:
        super().__init__(what)
        self.kind = kind  # the status and its reason


@dataclass(slots=True)
class ApiServerTraits:
    """What was learned of one API server, shared by its watches, and the lists that they may be at, at once."""

    streams: bool = True  # it streams lists (`sendInitialEvents`); False once one was refused
    lists: Lists = field(default_factory=Lists)
    refresh_s: float = REFRESH_S  # what a watch may have lost on its way is found by a list within this time
    on_events: Callable[[GVK, int], None] = lambda _gvk, _count: None  # told of what watches bring, lists left out


@dataclass(slots=True)
class WatchCursor:
    """How far a watch has come: all up to this version was taken. None: nothing was, so a list comes first."""

    version: str | None = None
    # The server would not stream this list, so it is read in pages: why a kind cannot be converted is told there, while
    # a stream of it only says "Too large resource version".
    refused: bool = False
    went_on: bool = False  # in this try, the server took up the watch
    heard: bool = False  # in this try, a watch brought an event or a bookmark
    lost_s: float | None = None  # since when the connection fails; None: it does not
    list_by_s: float | None = None  # something may have been lost, and is by then found by a list; None: nothing was

    def hear(self) -> None:
        self.heard, self.lost_s = True, None

    def listed(self) -> None:
        """Take note of a whole list: nothing before it matters any more."""
        self.lost_s = self.list_by_s = None

    def is_old(self, now_s: float) -> bool:
        """Tell whether the version is not to be gone on from, though the server may take it.

        What could not be read for long is shown as unknown, and a list says at once how it is.
        """
        overdue = self.list_by_s is not None and now_s >= self.list_by_s
        return overdue or (self.lost_s is not None and now_s - self.lost_s >= STALE_S)


# A server that was restored from a backup is behind the versions that it once gave. It takes up a watch at such a
# version and says nothing, not even bookmarks, until it has counted up to it; and what it brings from there on leaves
# out how things went before. So a watch proves nothing until it brings something; one that brings nothing for longer
# than a server is silent begins with a list; and whatever broke it, a list follows within `ApiServerTraits.refresh_s`.


@dataclass(frozen=True, slots=True)
class KindWatch:
    """Keeps a sink at what one kind is in one cluster, for ever."""

    client: KubeClient
    server: ApiServerTraits
    resource: ApiResource
    sink: Sink
    namespace: str = ""  # "": all there are
    metadata_only: bool = False
    idle_s: float = IDLE_S

    async def run(self) -> NoReturn:
        """Follow the kind until cancelled; whatever the server does is told to the sink, never raised."""
        loop = asyncio.get_running_loop()
        cursor = WatchCursor()
        failures, refusal = 0, (0, "")
        while True:
            started_s, cursor.went_on, cursor.heard = loop.time(), False, False
            if cursor.is_old(started_s):
                cursor.version = None
            try:
                if cursor.version is None and (cursor.refused or not self.server.streams):
                    cursor.version = await self._list()
                    cursor.refused = False
                    cursor.listed()
                    started_s = loop.time()
                await self._watch(cursor)
                failures = 0 if loop.time() - started_s > SHORTEST_WATCH_S else failures + 1
            except Expired:
                cursor.version, failures = None, failures + 1
                log.info("kind.expired", cluster=self.client.name, kind=str(self.resource.gvk))
            except WatchRefused as err:
                cursor.version = None
                self.sink.failed(str(err), refused=True)
                tell = log.warning if err.kind != refusal else log.debug  # each minute, perhaps for years
                refusal = err.kind
                tell("kind.refused", cluster=self.client.name, kind=str(self.resource.gvk), error=str(err))
                await asyncio.sleep(REFUSED_RETRY_S * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load
                continue
            except Retryable as err:
                lasted = cursor.went_on and loop.time() - started_s > SHORTEST_WATCH_S
                failures = 1 if lasted else failures + 1
                cursor.lost_s = loop.time() if cursor.lost_s is None else cursor.lost_s
                self._list_later(cursor)
                self.sink.failed(str(err), refused=False)
                log.info("kind.lost", cluster=self.client.name, kind=str(self.resource.gvk), error=str(err))
            self._doubt(cursor, loop.time() - started_s)
            if failures:
                await asyncio.sleep(_wait_s(failures))

    def _doubt(self, cursor: WatchCursor, lasted_s: float) -> None:
        """Go on from the version only where a watch from there was heard, or may just have been too short for it."""
        if cursor.version is None or cursor.heard:
            return
        if cursor.went_on and lasted_s >= min(self.idle_s, BOOKMARK_S):
            cursor.version = None
            log.info("kind.silent", cluster=self.client.name, kind=str(self.resource.gvk))
        else:
            self._list_later(cursor)

    def _list_later(self, cursor: WatchCursor) -> None:
        if cursor.list_by_s is None:
            wait_s = self.server.refresh_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            cursor.list_by_s = asyncio.get_running_loop().time() + wait_s

    async def _list(self) -> str:
        """List in pages, and return the version to watch from.

        A page whose `continue` has expired begins anew; the second time in one go, for then we are slower than the
        server forgets.
        """
        for paged in (True, True, False):
            try:
                return await self._pages(paged=paged)
            except Expired:
                log.info("kind.page_expired", cluster=self.client.name, kind=str(self.resource.gvk))
        raise WatchRefused("its list expires before it is read", (GONE, ""))

    async def _pages(self, *, paged: bool) -> str:
        self.sink.begin()
        size = self.client.settings.list_page
        query = {"limit": str(size)} if paged else {}
        while True:
            async with self.server.lists.pages.turn() as turn:
                path = collection_path(self.resource, self.namespace)
                accept = self._accept("List")
                reply = await self.client.request("GET", path, query=query, accept=accept, pace=turn.go_on)
                if not reply.ok:
                    raise _problem(reply)
                await self._put_page(reply, turn)
            meta = reply.body.get("metadata") or {}
            if not meta.get("continue"):
                self.sink.end()
                return str(meta.get("resourceVersion") or "")
            if reply.size_bytes:
                size = max(1, min(self.client.settings.list_page, size * PAGE_BYTES // reply.size_bytes))
            query = {"limit": str(size), "continue": str(meta["continue"])}

    async def _put_page(self, reply: Reply, turn: Slot) -> None:
        items = reply.body.get("items") if isinstance(reply.body, dict) else None
        if items is not None and not isinstance(items, list):
            raise ClusterUnreachable(f"{self._what} lists no list", remedy="check what answers there")
        for index, item in enumerate(items or ()):
            if isinstance(item, dict):
                self.sink.put(self._typed(item))
            if index % BREATH == BREATH - 1:
                await asyncio.sleep(0)
                await turn.go_on()
        self.sink.heard()

    async def _watch(self, cursor: WatchCursor) -> None:
        """Follow events from `cursor`, and move it; where it is nowhere, the initial list is streamed first.

        Where the server does not stream lists, `cursor` stays: pages come first.
        """
        if cursor.version is not None:
            async with self._opened(cursor) as lines:
                if isinstance(lines, Reply):
                    raise _problem(lines)
                await self._follow(lines, cursor, None)
            return
        async with self.server.lists.streams.turn() as turn, self._opened(cursor) as lines:
            self.sink.begin()
            if not isinstance(lines, Reply):
                await self._follow(lines, cursor, turn)
            elif not self._stop_streaming(lines.code):
                cursor.refused = lines.code >= SERVERS_FAULT
                raise _problem(lines)

    async def _follow(self, lines: Lines, cursor: WatchCursor, turn: Slot | None) -> None:
        """Take what comes; with `turn`, the list comes first, and the turn is over once that is in."""
        streaming = turn is not None
        cursor.went_on = not streaming
        first = True
        async for batch in _in_turns(lines):
            if turn is not None:
                await turn.go_on()
            events, error = _parsed(batch)
            if error is not None and first and streaming and self._stop_streaming(error.code):
                return
            version = self._take(events)
            if not streaming and (count := sum(event.get("type") != "BOOKMARK" for event in events)):
                self.server.on_events(self.resource.gvk, count)
            if turn is not None and streaming and any(map(_ends_initial, events)):
                streaming, cursor.went_on = False, True
                self.sink.end()
                cursor.listed()
                turn.done()
            if version and not streaming:
                cursor.version = version
            if events:
                cursor.hear()
                self.sink.heard()
            if error is not None:
                cursor.refused = streaming and error.code >= SERVERS_FAULT
                raise _problem(error)
            first = False
        if streaming:
            raise ClusterUnreachable(f"{self._what} ended in its initial list", remedy="nothing: it is tried again")

    @asynccontextmanager
    async def _opened(self, cursor: WatchCursor) -> AsyncIterator[Lines | Reply]:
        version = cursor.version
        timeout_s = self.client.settings.watch_timeout_s * random.uniform(0.9, 1.0)  # noqa: S311 - spreads load
        if version is not None and cursor.list_by_s is not None:
            timeout_s = min(timeout_s, cursor.list_by_s - asyncio.get_running_loop().time())
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": f"{max(1.0, timeout_s):.0f}"}
        if version is None:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        else:
            query |= {"resourceVersion": version}
        path = collection_path(self.resource, self.namespace)
        async with self.client.watch(path, query, idle_s=self.idle_s, accept=self._accept("")) as lines:
            yield lines

    def _stop_streaming(self, code: int) -> bool:
        """Remember that the server does not stream lists, if `code` says so.

        500 comes from a server whose etcd cannot (before 3.6: "RequestWatchProgress is disabled"), the others from
        servers that do not know the parameter, or have it off.
        """
        if code not in NO_STREAMS:
            return False
        if self.server.streams:
            self.server.streams = False
            log.info("cluster.lists_in_pages", cluster=self.client.name, code=code)
        return True

    def _take(self, events: list[Mapping[str, Any]]) -> str:
        """Put what `events` say, of each object only the last; return the version they end at."""
        version = ""
        last: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        for event in events:
            kind, document = event.get("type"), event["object"]
            meta = document.get("metadata")
            if not isinstance(meta, dict):
                continue
            version = str(meta.get("resourceVersion") or version)
            if kind != "BOOKMARK":
                last[str(meta.get("namespace")), str(meta.get("name"))] = (str(kind), document)
        for kind, document in last.values():
            if kind == "DELETED":
                self.sink.drop(self._typed(document))
            else:
                self.sink.put(self._typed(document))
        return version

    def _typed(self, item: dict[str, Any]) -> Manifest:
        """Return `item` with the type that lists leave out, and that metadata replaces by its own."""
        item["apiVersion"], item["kind"] = self.resource.gvk.api_version, self.resource.gvk.kind
        return item

    def _accept(self, suffix: str) -> str:
        return METADATA.format(suffix) if self.metadata_only else "application/json"

    @property
    def _what(self) -> str:
        return f"the watch of {self.resource.gvk} on cluster {self.client.name}"


async def _in_turns(lines: Lines) -> AsyncIterator[list[bytes]]:
    """Give the batches of `lines` in parts after each of which others have a turn."""
    async for batch in lines.batches():
        for start in range(0, len(batch), BREATH):
            yield batch[start : start + BREATH]
            if len(batch) > BREATH:
                await asyncio.sleep(0)


def _ends_initial(event: Mapping[str, Any]) -> bool:
    if event.get("type") != "BOOKMARK":
        return False
    meta = event["object"].get("metadata")
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    return isinstance(annotations, dict) and annotations.get(INITIAL_END) == "true"


def _parsed(batch: list[bytes]) -> tuple[list[Mapping[str, Any]], Reply | None]:
    """Return the events of `batch` up to an error, and the error: the server's own, or a line that is no event."""
    events: list[Mapping[str, Any]] = []
    for line in batch:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
            return events, Reply(BAD_GATEWAY, {"message": "the watch sends a line that is no event"})
        if event.get("type") == "ERROR":
            code = event["object"].get("code")
            return events, Reply(code if isinstance(code, int) else BAD_GATEWAY, event["object"])
        events.append(event)
    return events, None


def _problem(reply: Reply) -> Exception:
    if reply.code == GONE:
        return Expired()
    what = f"{reply.message} ({reply.code})"
    if reply.code in (408, 429) or (reply.code >= 500 and reply.code != 501):  # noqa: PLR2004 - HTTP's own classes
        return ClusterUnreachable(what, remedy="see the API server")
    return WatchRefused(what, (reply.code, reply.reason))


def _wait_s(failures: int) -> float:
    """Return the wait before the next try: 0.2 s doubled each time, with jitter, at most `LONGEST_RETRY_S`."""
    longest = backoff_s(failures, first_s=0.2, longest_s=LONGEST_RETRY_S)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load

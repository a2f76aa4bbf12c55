"""All objects of one cluster in memory: JSON bytes with a small index, one counter of versions, a log of changes."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Change = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Stored:
    """One object at one version: what selectors and controllers look at, and its JSON without apiVersion and kind."""

    namespace: str
    name: str
    uid: str
    version: int
    labels: dict[str, str] | None
    body: bytes

    def parsed(self) -> dict[str, Any]:
        """Return the object without apiVersion and kind, as a new value."""
        document: dict[str, Any] = orjson.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one object."""

    change: Change
    new: Stored  # for DELETED: the last state, at the version of its deletion
    old: Stored | None


@dataclass(slots=True, eq=False)
class Collection:
    """The objects of one kind, whatever its versions."""

    begun: int  # the cluster's version when the kind came: nothing older can be watched
    history: int  # changes kept for watches
    by_namespace: dict[str, dict[str, Stored]] = field(default_factory=dict)
    log: deque[Event] = field(default_factory=deque)
    dropped: int = 0  # changes that left the log
    closed: bool = False  # the kind is gone
    _waiting: set[asyncio.Future[None]] = field(default_factory=set)
    _order: list[tuple[str, str]] | None = None  # the names in order, until one comes or goes

    def get(self, namespace: str, name: str) -> Stored | None:
        return self.by_namespace.get(namespace, {}).get(name)

    def objects(self, namespace: str = "") -> Iterator[Stored]:
        """Yield the objects of one namespace, or of all ("")."""
        if namespace:
            yield from list(self.by_namespace.get(namespace, {}).values())
            return
        for objects in list(self.by_namespace.values()):
            yield from list(objects.values())

    def names(self) -> list[tuple[str, str]]:
        """Return every (namespace, name), sorted; not to be changed."""
        if self._order is None:
            self._order = sorted(
                (namespace, name) for namespace, objects in self.by_namespace.items() for name in objects
            )
        return self._order

    def end(self) -> int:
        """Return the position after the last change."""
        return self.dropped + len(self.log)

    def position(self, version: int) -> int:
        """Return the position of the first change after `version`."""
        at = self.end()
        for event in reversed(self.log):
            if event.new.version <= version:
                break
            at -= 1
        return at

    def since(self, position: int) -> list[Event] | None:
        """Return the changes from `position` on; None when some have left the log."""
        skip = position - self.dropped
        if skip < 0:
            return None
        if skip == len(self.log):
            return []
        return [self.log[number] for number in range(skip, len(self.log))]

    async def changed(self) -> None:
        """Wait for the next change, or for the kind to go."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def record(self, event: Event) -> None:
        objects = self.by_namespace.setdefault(event.new.namespace, {})
        if event.change != "MODIFIED":
            self._order = None
        if event.change == "DELETED":
            del objects[event.new.name]
            if not objects:
                del self.by_namespace[event.new.namespace]
        else:
            objects[event.new.name] = event.new
        self.log.append(event)
        if len(self.log) > self.history:
            self.begun = self.log.popleft().new.version
            self.dropped += 1
        self.wake()


class SimStore:
    """Every collection, and the counter they share."""

    def __init__(self, history: int) -> None:
        self.version = 1
        self.listeners: list[Callable[[tuple[str, str], Event], None]] = []
        self._history = history
        self._collections: dict[tuple[str, str], Collection] = {}

    def collection(self, key: tuple[str, str]) -> Collection:
        """Return the collection of (group, plural); the first call makes it."""
        collection = self._collections.get(key)
        if collection is None:
            collection = self._collections[key] = Collection(
                begun=self.version if self.version > 1 else 0, history=self._history
            )
        return collection

    def drop(self, key: tuple[str, str]) -> None:
        """Forget a collection; its watches end."""
        gone = self._collections.pop(key, None)
        if gone is not None:
            gone.closed = True
            gone.wake()

    def put(self, key: tuple[str, str], obj: dict[str, Any]) -> Stored:
        """Store `obj` (without apiVersion and kind) at the next version, which is written into its metadata."""
        self.version += 1
        metadata = obj["metadata"]
        metadata["resourceVersion"] = f"{self.version}"
        new = self._stored(obj)
        collection = self.collection(key)
        old = collection.get(new.namespace, new.name)
        self._tell(key, collection, Event("MODIFIED" if old else "ADDED", new, old))
        return new

    def remove(self, key: tuple[str, str], obj: dict[str, Any]) -> Stored:
        """Delete `obj`; its last state is told at the version of its deletion."""
        collection = self.collection(key)
        metadata = obj["metadata"]
        old = collection.get(metadata.get("namespace", ""), metadata["name"])
        self.version += 1
        last = self._stored({**obj, "metadata": {**metadata, "resourceVersion": f"{self.version}"}})
        self._tell(key, collection, Event("DELETED", last, old))
        return last

    def _stored(self, obj: dict[str, Any]) -> Stored:
        metadata = obj["metadata"]
        return Stored(
            sys.intern(metadata.get("namespace", "")),
            metadata["name"],
            metadata["uid"],
            self.version,
            metadata.get("labels"),
            bytes(memoryview(orjson.dumps(obj))),  # a copy: what orjson gives holds on to 4 KB
        )

    def _tell(self, key: tuple[str, str], collection: Collection, event: Event) -> None:
        collection.record(event)
        for listener in self.listeners:
            listener(key, event)

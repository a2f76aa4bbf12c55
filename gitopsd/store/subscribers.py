"""Tells whoever listens which applications changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gitopsd.model.ids import AppName


class Subscription:
    """Names of applications that changed and were not fetched yet: each once, however often it changed."""

    def __init__(self) -> None:
        self._changed: set[AppName] = set()
        self._some = asyncio.Event()

    def add(self, names: Iterable[AppName]) -> None:
        self._changed.update(names)
        self._some.set()

    async def next(self) -> frozenset[AppName]:
        """Wait until something changed, and return all that did since the last call."""
        await self._some.wait()
        self._some.clear()
        changed, self._changed = frozenset(self._changed), set()
        return changed


class Subscribers:
    def __init__(self) -> None:
        self._all: set[Subscription] = set()

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Hear of changes for as long as the block runs."""
        subscription = Subscription()
        self._all.add(subscription)
        try:
            yield subscription
        finally:
            self._all.discard(subscription)

    def tell(self, *names: AppName) -> None:
        for subscription in self._all:
            subscription.add(names)

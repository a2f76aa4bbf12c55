"""Watches the sample kinds of every cluster, and passes on what is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.demo.clusters import KINDS, Cluster, WatchEnded, connected
from gitopsd.demo.observer import Announcement, Observer
from gitopsd.errors import Retryable

AGAIN_S = 0.5  # before a watch that broke off is opened anew


@asynccontextmanager
async def watching(
    kubeconfigs: Mapping[str, Path], observer: Observer, tell: Callable[[Announcement], None]
) -> AsyncIterator[None]:
    """Watch the clusters (name → kubeconfig) while the block runs, which begins when every first list is in."""
    async with AsyncExitStack() as stack:
        clusters = [await stack.enter_async_context(connected(*named)) for named in kubeconfigs.items()]
        watches = [_Watch(cluster, kind, observer, tell) for cluster in clusters for kind in KINDS]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watch.run(), name=f"{watch.kind} in {watch.cluster.name}") for watch in watches]
            for watch in watches:
                await watch.listed.wait()
            yield
            for task in tasks:
                task.cancel()


@dataclass(frozen=True, slots=True)
class _Watch:
    cluster: Cluster
    kind: str
    observer: Observer
    tell: Callable[[Announcement], None]
    listed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while True:
            try:
                await self._until_it_ends()
            except Retryable:
                await asyncio.sleep(AGAIN_S)

    async def _until_it_ends(self) -> None:
        loop = asyncio.get_running_loop()
        items, resource_version = await self.cluster.items(self.kind)
        for item in items:
            self.observer.known(self.cluster.name, {**item, "kind": self.kind})  # an item of a list does not name it
        self.listed.set()
        async for event, obj in self.cluster.watch(self.kind, resource_version):
            if announcement := self.observer.event(self.cluster.name, event, obj, loop.time()):
                self.tell(announcement)
        raise WatchEnded(f"{self.cluster.name}: the watch is over", remedy="it is opened anew")

"""Small controllers: they make objects act as in a real cluster, in scaled time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from gitopsd.sim.controllers.autoscaling import Autoscaling
from gitopsd.sim.controllers.balancing import Balancing
from gitopsd.sim.controllers.collect import Collector
from gitopsd.sim.controllers.daemons import Daemons
from gitopsd.sim.controllers.definitions import Definitions
from gitopsd.sim.controllers.deployments import Deployments
from gitopsd.sim.controllers.jobs import Jobs
from gitopsd.sim.controllers.namespaces import Namespaces
from gitopsd.sim.controllers.pods import Pods
from gitopsd.sim.controllers.replicas import ReplicaSets
from gitopsd.sim.controllers.stateful import StatefulSets
from gitopsd.sim.controllers.volumes import Claims
from gitopsd.sim.controllers.world import Key, World
from gitopsd.sim.store import Event
from gitopsd.sim.writes import Writes


class SimController(Protocol):
    """Keeps one thing true; level-triggered, and never awaits."""

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        """Return what to look at after a change."""
        ...

    def reconcile(self, key: Key) -> float | None:
        """Bring one thing nearer to what it should be; return simulated seconds after which to look again."""
        ...


class Controllers:
    """Runs every controller on the store's changes while its block runs."""

    def __init__(self, writes: Writes, speed: float, *, on: bool, root_certificate: str) -> None:
        world = World(writes, speed)
        # A CRD is established and a namespace deleted even where nothing else acts: the server's own part.
        self._all: list[SimController] = [Definitions(world)]
        if on:
            self._all += [
                Namespaces(world, root_certificate),
                Collector(world),
                Deployments(world),
                ReplicaSets(world),
                StatefulSets(world),
                Daemons(world),
                Jobs(world),
                Pods(world),
                Claims(world),
                Balancing(world),
                Autoscaling(world),
            ]
        self._speed = speed
        self._queue: asyncio.Queue[tuple[SimController, Key]] = asyncio.Queue()
        self._queued: set[tuple[int, Key]] = set()
        self._stack = AsyncExitStack()
        writes.store.listeners.append(self._seen)

    async def __aenter__(self) -> Self:
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        task = group.create_task(self._run(), name="controllers")
        self._stack.callback(task.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def _seen(self, collection: tuple[str, str], event: Event) -> None:
        for controller in self._all:
            for key in controller.keys(collection, event):
                self._add(controller, key)

    def _add(self, controller: SimController, key: Key) -> None:
        mark = (id(controller), key)
        if mark not in self._queued:
            self._queued.add(mark)
            self._queue.put_nowait((controller, key))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        again: Callable[[SimController, Key], None] = self._add
        while True:
            controller, key = await self._queue.get()
            self._queued.discard((id(controller), key))
            after_s = controller.reconcile(key)
            if after_s is not None:
                loop.call_later(after_s / self._speed, again, controller, key)
            await asyncio.sleep(0)  # requests come between two steps

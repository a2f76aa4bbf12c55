"""The way in for gRPC: what serves it is imported when the first call comes, beside the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from gitopsd.api.grpc.call import Serve


@dataclass(frozen=True, slots=True)
class StreamBounds:
    head_s: float = 10.0  # from a connection's start to its first call
    idle_s: float = 75.0  # between two calls
    write_s: float = 20.0  # for a client to take anything
    resets: int = 1000  # calls of one connection that its client gave up; 100 at once is h2's own bound


class GrpcDoor:
    """Lets gRPC's clients in; until the first one comes, it costs nothing."""

    def __init__(self, load: Callable[[], Serve], bounds: StreamBounds | None = None) -> None:
        """Have `load` make what answers calls, in a thread."""
        self._load = load
        self._bounds = bounds or StreamBounds()
        self._serve: Serve | None = None
        self._loading = asyncio.Lock()
        self._calls: asyncio.TaskGroup | None = None
        self._connections: WeakSet[Any] = WeakSet()
        self._closed = False
        self._under_way: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self, stop_s: float) -> AsyncIterator[None]:
        """Own all calls while the block runs; give those under way `stop_s` after it."""
        async with asyncio.TaskGroup() as self._calls:
            try:
                yield
            finally:
                self._closed = True
                if self._under_way:
                    await asyncio.wait(self._under_way, timeout=stop_s)
                for connection in list(self._connections):
                    connection.goodbye()
                for task in self._under_way:
                    task.cancel()

    async def serve(self) -> Serve:
        """Return what answers calls."""
        async with self._loading:
            if self._serve is None:
                self._serve = await asyncio.to_thread(self._load)
        return self._serve

    def enter(self, ready: Callable[[asyncio.Protocol], None]) -> None:
        """Call `ready` with what speaks HTTP/2 on one connection, as soon as it is there; never where all stops."""
        if not self._closed:
            self._spawn(self._enter(ready))

    async def _enter(self, ready: Callable[[asyncio.Protocol], None]) -> None:
        serve = await self.serve()
        from gitopsd.api.grpc.http2 import Http2Connection

        connection = Http2Connection(serve, self._spawn, self._bounds)
        self._connections.add(connection)
        # Not here: what one connection's first bytes do must not end the group that owns all calls.
        asyncio.get_running_loop().call_soon(ready, connection)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._calls is None:
            raise RuntimeError("the door is not open")
        task = self._calls.create_task(work, name="grpc call")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

"""Tasks with an owner and a name: services whose lifetimes nest, supervised loops, bounded fan-out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn, Protocol, TypeVar

import structlog

from gitopsd.errors import Retryable

T = TypeVar("T")
R = TypeVar("R")
STUCK_S = 30.0  # a service that is told to end is gone well before
log = structlog.get_logger()


class Service(Protocol):
    """Something that runs as long as the daemon, or its layer of it, does."""

    @property
    def name(self) -> str: ...

    async def run(self) -> None:
        """Run until cancelled; what the service opened it closes in `finally`."""
        ...


@asynccontextmanager
async def running(*services: Service, stuck_s: float = STUCK_S) -> AsyncIterator[None]:
    """Run `services` while the block runs, then cancel them and wait until they are gone.

    A service that ends or fails ends the block too, with the reason in an ExceptionGroup. One that is not gone after
    `stuck_s` is named in the log and cancelled once more: a cancellation can be lost, as in Python 3.11's `wait_for`.
    """
    async with asyncio.TaskGroup() as group:
        left = {group.create_task(_for_ever(service), name=service.name) for service in services}
        yield
        for task in left:
            task.cancel()
        while left:
            _, left = await asyncio.wait(left, timeout=stuck_s)
            for task in left:
                log.warning("service.stuck", service=task.get_name(), at=_place_of(task))
                task.cancel()


def _place_of(task: asyncio.Task[NoReturn]) -> list[str]:
    """Return where a task waits, from the outside in."""
    awaited: object = task.get_coro()
    places = []
    while frame := getattr(awaited, "cr_frame", None):
        places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        awaited = getattr(awaited, "cr_await", None)
    return places


async def _for_ever(service: Service) -> NoReturn:
    await service.run()
    raise RuntimeError(f"{service.name} ended by itself")


async def serve(stop: asyncio.Event, *layers: tuple[Service, ...]) -> None:
    """Start `layers` first to last (probes, live mirrors, workers) until `stop`, then stop them last to first."""
    async with AsyncExitStack() as stack:
        for services in layers:
            await stack.enter_async_context(running(*services))
        await stop.wait()


async def supervise(  # noqa: PLR0913 - three of them have defaults that only tests and status pages change
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    delay_s: Callable[[int], float],
    failed: Callable[[Retryable], None] = lambda _: None,
    healthy_s: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> NoReturn:
    """Run `run` again and again; after each `Retryable` error tell `failed`, then wait `delay_s(failures)`.

    Any other exception leaves at once: a bug is not restarted in place. A run that returned, or that lasted
    `healthy_s`, sets the count of failures to 0.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started_s = loop.time()
        try:
            await run()
        except Retryable as err:
            failures = 1 if loop.time() - started_s >= healthy_s else failures + 1
            wait_s = delay_s(failures)
            failed(err)
            log.warning("service.restarts", service=name, error=str(err), failures=failures, after_s=round(wait_s, 3))
            await sleep(wait_s)
        else:
            failures = 0
            await sleep(0)  # a run that returns without ever waiting must not hold the loop


async def at_most(
    n: int, things: Iterable[T], run: Callable[[T], Awaitable[R]], *, name: str = "at most"
) -> tuple[R, ...]:
    """Run `run` over `things`, at most `n` in flight; return the results in the order of `things`.

    `things` is read as capacity frees, so it may be long. The first exception cancels the rest, is waited
    for, and leaves as itself; what a peer may refuse is better a result.
    """
    results: dict[int, R] = {}
    todo = enumerate(things)
    try:
        async with asyncio.TaskGroup() as group:
            for lane in range(n):
                group.create_task(_lane(todo, run, results), name=f"{name} {lane}")
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    return tuple(results[index] for index in sorted(results))


async def _lane(todo: Iterator[tuple[int, T]], run: Callable[[T], Awaitable[R]], results: dict[int, R]) -> None:
    for index, thing in todo:
        results[index] = await run(thing)


class Graceful:
    """A service that may finish what it has begun: it is asked to end, and cancelled only after a grace period."""

    def __init__(self, service: Service, ask: Callable[[], object], *, grace_s: float) -> None:
        """On being cancelled call `ask`, and give `service` at most `grace_s` to end by itself."""
        self.name = service.name
        self._service = service
        self._ask = ask
        self._grace_s = grace_s

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._service.run(), name=self.name)
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                self._ask()
                _, unfinished = await asyncio.wait({task}, timeout=self._grace_s)
                if unfinished:
                    log.warning("service.cancelled", service=self.name, grace_s=self._grace_s)
                raise

"""N workers on the queue of applications; what an error means is decided by its class."""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog

from gitopsd.core.sync.retry import retry_after_s
from gitopsd.errors import GitopsError, NotPermitted, UnknownCluster
from gitopsd.model.ids import AppName
from gitopsd.model.status import Condition
from gitopsd.runtime.lanes import Lane, Lanes
from gitopsd.runtime.queue import KeyQueue, QueueClosed
from gitopsd.runtime.turns import asking

SPREAD_FROM_S = 60.0
SPREAD = 0.2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Again:
    """Look at the application again after `after_s` seconds, or sooner if something changes; None: only then."""

    after_s: float | None


def spread_s(app: AppName, after_s: float) -> float:
    """Return `after_s`, longer waits shortened by up to a fifth: a thousand that began at once are not due at once."""
    if after_s < SPREAD_FROM_S:
        return after_s
    return after_s * (1 - SPREAD * zlib.crc32(app.encode()) / 2**32)


Pass = Callable[[AppName], Awaitable[Again]]
Report = Callable[[AppName, Condition], None]  # makes a failed pass the application's condition
Observe = Callable[[AppName, str, float], None]  # whose pass, outcome, seconds
ProjectOf = Callable[[AppName], str]
Ended = Callable[[AppName, float], None]  # whose pass, and the loop's time when it began


@dataclass(slots=True)
class Passes:
    """The service that takes applications off the queue and has a pass over each."""

    queue: KeyQueue[AppName]
    reconcile: Pass
    report: Report
    at_once: int
    refresh_s: float
    observe: Observe = lambda _app, _outcome, _seconds: None
    ended: Ended = lambda _app, _began_s: None
    project_of: ProjectOf = lambda _app: ""
    name: str = "passes"
    _failures: dict[AppName, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Work until the queue is closed, which is how the daemon lets passes finish when it stops."""
        lanes = Lanes(self.at_once)
        async with asyncio.TaskGroup() as passes:
            while True:
                async with AsyncExitStack() as holding:
                    try:
                        app = await holding.enter_async_context(self.queue.next())
                    except QueueClosed:
                        return
                    lane = await lanes.free()
                    holding.callback(lane.leave)
                    passes.create_task(self._work(app, lane, holding.pop_all()), name=f"pass of {app}")

    async def _work(self, app: AppName, lane: Lane, holding: AsyncExitStack) -> None:
        lane.drive()
        async with holding:
            with structlog.contextvars.bound_contextvars(app=app), asking(self.project_of(app), app):
                again = await self._one(app)
        if again.after_s is not None:
            self.queue.add(app, after_s=spread_s(app, again.after_s))

    async def _one(self, app: AppName) -> Again:
        clock = asyncio.get_running_loop().time  # it never steps back, and it is who waits for a pass that compares
        began_s = clock()
        try:
            again = await self.reconcile(app)
        except GitopsError as err:
            again = self._failed(app, err)
            outcome = type(err).__name__
        except Exception as err:  # noqa: BLE001 - passes keep nothing, so a bug in one is that application's condition
            again = self._quarantined(app, err)
            outcome = "unforeseen"
        else:
            self._failures.pop(app, None)
            outcome = "done"
        self.observe(app, outcome, clock() - began_s)
        self.ended(app, began_s)
        return again

    def _failed(self, app: AppName, err: GitopsError) -> Again:
        misdeclared = isinstance(err, NotPermitted | UnknownCluster)
        self.report(app, Condition("InvalidSpecError" if misdeclared else "ComparisonError", err.what, err.remedy))
        failures = self._failures[app] = self._failures.get(app, 0) + 1
        after_s = retry_after_s(err, failures)
        log.info("pass.failed", error=err.what, remedy=err.remedy, kind=type(err).__name__, failures=failures)
        return Again(self.refresh_s if after_s is None else after_s)

    def _quarantined(self, app: AppName, err: Exception) -> Again:
        trace = uuid.uuid4().hex[:12]
        log.error("pass.unforeseen", trace=trace, exc_info=err)
        self.report(
            app,
            Condition(
                "UnknownError",
                f"gitopsd met an error it does not know ({type(err).__name__}, trace {trace})",
                "nothing was changed; look up the trace in the log and report it; the next change tries again",
            ),
        )
        return Again(self.refresh_s)

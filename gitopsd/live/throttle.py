"""Tells of objects that change, and of one that changes all the time not each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey

FREE = 100  # changes of one object in `SPAN_S`; a Deployment that rolls out many Pods is written a few times a second
SPAN_S = 10.0
QUIET_S = 1.0  # between two tellings of an object that changes more often
MOST = 2000  # objects whose changes are counted; of more, the count begins anew


@dataclass(slots=True)
class _Count:
    since_s: float
    changes: int = 0
    timer: asyncio.TimerHandle | None = None
    apps: frozenset[AppName] = frozenset()  # to be told when the timer goes


class Throttle:
    """Counts the changes of each object. A pass for each of a hundred a second would do nothing else, and ask the API
    server each time; none of them would be looked at by anybody.
    """

    def __init__(self, on_change: Callable[[AppName], None], now_s: Callable[[], float]) -> None:
        self._on_change = on_change
        self._now_s = now_s
        self._counts: dict[ResourceKey, _Count] = {}

    def holds(self, key: ResourceKey, apps: Iterable[AppName]) -> bool:
        """Count a change of `key`, and return whether `apps` are not to be told of it now; then they are told later."""
        now_s = self._now_s()
        count = self._counts.get(key)
        if count is None or (count.timer is None and now_s - count.since_s > SPAN_S):
            if len(self._counts) >= MOST:
                self._counts = {key: count for key, count in self._counts.items() if count.timer}
            count = self._counts[key] = _Count(now_s)
        count.changes += 1
        if count.timer is None and count.changes <= FREE:
            return False
        count.apps |= frozenset(apps)
        if count.timer is None:
            count.timer = asyncio.get_running_loop().call_later(QUIET_S, self._end, key)
        return True

    def __len__(self) -> int:
        return len(self._counts)

    def close(self) -> None:
        """Tell of nothing more."""
        for count in self._counts.values():
            if count.timer is not None:
                count.timer.cancel()
        self._counts.clear()

    def _end(self, key: ResourceKey) -> None:
        count = self._counts[key]
        apps, count.apps = sorted(count.apps), frozenset()
        if apps:
            count.timer = asyncio.get_running_loop().call_later(QUIET_S, self._end, key)
        else:
            del self._counts[key]  # it rested for once
        for app in apps:
            self._on_change(app)

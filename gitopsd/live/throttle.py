"""Holds back what happens all the time: the first few times are passed on at once, the rest once after each rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gitopsd.model.ids import AppName

MOST = 2000  # keys that are counted; of more, the count begins anew

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Count:
    since_s: float
    times: int = 0
    timer: asyncio.TimerHandle | None = None
    apps: frozenset[AppName] = frozenset()  # to be told when the timer goes


class Throttle(Generic[K]):
    """Counts how often each key is named."""

    def __init__(
        self,
        tell: Callable[[AppName], None],
        now_s: Callable[[], float],
        *,
        free: int,
        span_s: float,
        quiet_s: float,
    ) -> None:
        """Hold back what is named more than `free` times in `span_s`; `tell` is called of it once in `quiet_s`."""
        self._tell = tell
        self._now_s = now_s
        self._free, self._span_s, self._quiet_s = free, span_s, quiet_s
        self._counts: dict[K, _Count] = {}

    def holds(self, key: K, apps: Iterable[AppName]) -> bool:
        """Count `key`, and return whether `apps` are not to be told of it now; then they are told later."""
        now_s = self._now_s()
        count = self._counts.get(key)
        if count is None or (count.timer is None and now_s - count.since_s > self._span_s):
            if len(self._counts) >= MOST:
                self._counts = {key: count for key, count in self._counts.items() if count.timer}
            count = self._counts[key] = _Count(now_s)
        count.times += 1
        if count.timer is None and count.times <= self._free:
            return False
        count.apps |= frozenset(apps)
        if count.timer is None:
            count.timer = asyncio.get_running_loop().call_later(self._quiet_s, self._end, key)
        return True

    def __len__(self) -> int:
        return len(self._counts)

    def close(self) -> None:
        """Tell of nothing more."""
        for count in self._counts.values():
            if count.timer is not None:
                count.timer.cancel()
        self._counts.clear()

    def _end(self, key: K) -> None:
        count = self._counts[key]
        apps, count.apps = sorted(count.apps), frozenset()
        if apps:
            count.timer = asyncio.get_running_loop().call_later(self._quiet_s, self._end, key)
        else:
            del self._counts[key]  # it rested for once
        for app in apps:
            self._tell(app)

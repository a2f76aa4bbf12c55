"""How late the event loop runs what is due: the one figure that tells whether something blocks it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable


class LoopLag:
    """Measures the loop's lag by a short sleep, over and over; keeps a window of it."""

    name = "loop lag"

    def __init__(
        self,
        *,
        period_s: float = 0.1,
        window_s: float = 60.0,
        observe: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sleep `period_s` at a time; hand each lag to `observe` and keep those of the last `window_s`."""
        self._period_s = period_s
        self._observe = observe
        self._clock = clock
        self._lags: deque[tuple[float, float]] = deque(maxlen=max(1, round(window_s / period_s)))  # (when, lag)
        self._due_s: float | None = None  # None: not running

    async def run(self) -> None:
        try:
            while True:
                self._due_s = self._clock() + self._period_s
                await asyncio.sleep(self._period_s)
                now_s = self._clock()
                lag_s = max(0.0, now_s - self._due_s)
                self._lags.append((now_s, lag_s))
                self._observe(lag_s)
        finally:
            self._due_s = None

    def worst_s(self, within_s: float) -> float:
        """Return the worst lag of the last `within_s` seconds, that of the beat which is due now included."""
        now_s = self._clock()
        overdue_s = 0.0 if self._due_s is None else now_s - self._due_s
        recent = (lag_s for when_s, lag_s in self._lags if when_s >= now_s - within_s)
        return max(0.0, overdue_s, *recent)

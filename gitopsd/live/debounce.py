"""Tells of new versions in which nothing else is new, and of those not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gitopsd.model.ids import AppName

QUIET_S = 2.0  # a controller that writes status all day must not keep its application's passes running


class Debounce:
    """Passes on that objects of an application have new versions, and nothing else we keep of them is different.

    It may be what a pass waits for (a prediction counts only for the version it was made from), so it is told: at once
    the first time, and then once after each `QUIET_S`.
    """

    def __init__(self, on_change: Callable[[AppName], None]) -> None:
        self._on_change = on_change
        self._quiet: dict[AppName, asyncio.TimerHandle] = {}
        self._again: set[AppName] = set()

    def touch(self, app: AppName) -> None:
        if app in self._quiet:
            self._again.add(app)
            return
        self._begin_quiet(app)
        self._on_change(app)

    def close(self) -> None:
        """Tell of nothing more."""
        for timer in self._quiet.values():
            timer.cancel()
        self._quiet.clear()
        self._again.clear()

    def _begin_quiet(self, app: AppName) -> None:
        self._quiet[app] = asyncio.get_running_loop().call_later(QUIET_S, self._end_quiet, app)

    def _end_quiet(self, app: AppName) -> None:
        del self._quiet[app]
        if app in self._again:
            self._again.discard(app)
            self._begin_quiet(app)
            self._on_change(app)

"""Wakes the applications that a change in a cluster concerns, and none of them all the time."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gitopsd.live.throttle import Throttle
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey

FREE = 100  # changes of one object in `SPAN_S`; a Deployment that rolls out many Pods is written a few times a second
SPAN_S = 10.0
QUIET_S = 1.0  # between two passes for an object that changes more often
VERSION_S = 2.0  # a controller that writes status all day must not keep its application's passes running


class Notices:
    """What one cluster has to say to the queue of passes."""

    def __init__(self, wake: Callable[[AppName], None], now_s: Callable[[], float]) -> None:
        """Ask for passes by `wake`; `now_s` is a clock that only goes forward."""
        # Until the first lists are in, nobody decides anything on what is there, and then everybody is told.
        self.open = False
        self._wake = wake
        self._objects: Throttle[ResourceKey] = Throttle(self.tell, now_s, free=FREE, span_s=SPAN_S, quiet_s=QUIET_S)
        self._versions: Throttle[AppName] = Throttle(self.tell, now_s, free=1, span_s=VERSION_S, quiet_s=VERSION_S)

    def tell(self, app: AppName) -> None:
        """Ask for a pass over `app`."""
        if self.open:
            self._wake(app)

    def changed(self, key: ResourceKey, apps: Collection[AppName]) -> None:
        """Tell `apps` that an object is different, came, or went; one that always changes is not told each time."""
        if apps and not self._objects.holds(key, apps):
            for app in apps:
                self.tell(app)

    def touched(self, apps: Collection[AppName]) -> None:
        """Tell `apps` that an object has a new version, and nothing else that is kept of it differs.

        It may be what a pass waits for: a prediction counts only for the version that it was made from.
        """
        for app in apps:
            if not self._versions.holds(app, (app,)):
                self.tell(app)

    def close(self) -> None:
        """Tell of nothing more."""
        self._objects.close()
        self._versions.close()

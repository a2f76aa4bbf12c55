"""Who asks: the bearer token of a request, its caller, and what is told of those who have none."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from cachetools import TTLCache

from gitopsd.model.caller import Caller

MOST_ADDRESSES = 1000  # that are counted each for itself …
FORGOTTEN_S = 3600.0  # … until nothing came from one for so long
MOST_LINES = 20  # of the log …
WINDOW_S = 60.0  # … in this time
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)  # where a request keeps who sent it

log = structlog.get_logger()


class GivenToken(enum.Enum):
    """What came instead of the token."""

    NONE = "none"
    WRONG = "wrong"


def bearer_token(request: web.Request) -> str:
    """Return the bearer token of a request; "" where it has none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def caller_of(request: web.Request) -> Caller:
    """Return who sent a request that was let in."""
    return request[CALLER]


class FailedLogins:
    """Counts requests without the token; logs the 1st, 10th, 100th … of an address, a few lines a minute."""

    def __init__(
        self, counted: Callable[[str], None] = lambda _: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counted = counted
        self._clock = clock
        self._times: TTLCache[str, int] = TTLCache(MOST_ADDRESSES, FORGOTTEN_S, timer=clock)
        self._window_s, self._lines = clock(), 0

    def refused(self, request: web.Request) -> None:
        credential = GivenToken.WRONG if request.headers.get("Authorization") else GivenToken.NONE
        self._counted(credential.value)
        address = request.remote or ""
        times = self._times[address] = self._times.get(address, 0) + 1
        if _is_power_of_ten(times) and self._may_log():
            log.warning("api.login_refused", address=address, given=credential.value, times=times)

    def _may_log(self) -> bool:
        if self._clock() >= self._window_s + WINDOW_S:
            self._window_s, self._lines = self._clock(), 0
        self._lines += 1
        return self._lines <= MOST_LINES


def _is_power_of_ten(number: int) -> bool:
    return str(number).strip("0") == "1"

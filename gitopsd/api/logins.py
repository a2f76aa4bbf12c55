"""Who may ask: the bearer token, and what is told of those who do not have it."""

from __future__ import annotations

import enum
import hashlib
import hmac
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from cachetools import TTLCache

MOST_ADDRESSES = 1000  # that are counted each for itself …
FORGOTTEN_S = 3600.0  # … until nothing came from one for so long
MOST_LINES = 20  # of the log …
WINDOW_S = 60.0  # … in this time
LOOK_S = 1.0  # between two looks whether a stream's client still holds the token, which may be read from a file

log = structlog.get_logger()


class GivenToken(enum.Enum):
    """What came instead of the token."""

    NONE = "none"
    WRONG = "wrong"


def holds(request: web.Request, token: str) -> bool:
    """Tell whether `request` carries `token`; an empty one lets nobody in."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    # Digests have one length, so that the comparison does not tell the token's.
    same = hmac.compare_digest(_digest(presented.strip()), _digest(token))
    return same and bool(token) and scheme.lower() == "bearer"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Holder:
    """The client of a stream, whose token may be changed while it listens."""

    def __init__(self, request: web.Request, token: Callable[[], str], clock: Callable[[], float]) -> None:
        self._request = request
        self._token = token
        self._clock = clock
        self._next_s = clock() + LOOK_S

    def still_holds(self) -> bool:
        """Tell whether it still has the token, as of a second ago at most."""
        if self._clock() < self._next_s:
            return True
        self._next_s = self._clock() + LOOK_S
        return holds(self._request, self._token())


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

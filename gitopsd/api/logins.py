"""Who asks: the bearer token of a request, its caller, and what is told of those who have none."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from cachetools import TTLCache

from gitopsd.model.caller import Caller

MOST_ADDRESSES = 1000  # that are counted each for itself …
FORGOTTEN_S = 3600.0  # … until nothing came from one for so long
MOST_LINES = 20  # of the log …
WINDOW_S = 60.0  # … in this time
COOKIE = "__Host-gitopsd"  # browsers take it over TLS alone, and from this host alone
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)  # where a request keeps who sent it

log = structlog.get_logger()


class GivenToken(enum.Enum):
    """What came instead of the token."""

    NONE = "none"
    WRONG = "wrong"


def presented_token(request: web.Request) -> str:
    """Return the token that came with a request: as a bearer, else as the cookie of a page of ours; "" for none."""
    if header := request.headers.get("Authorization", ""):
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return request.cookies.get(COOKIE, "") if _of_our_page(request) else ""


def _of_our_page(request: web.Request) -> bool:
    """Tell whether a browser sends `request` for a page of this server, as it says itself (CVE-2024-22424)."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return request.method in ("GET", "HEAD")
    return urlsplit(origin).netloc == request.host


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
        self.count(request.remote or "", credential=bool(request.headers.get("Authorization")))

    def count(self, address: str, *, credential: bool) -> None:
        """Count a request from `address`, which came with the wrong `credential` or with none."""
        kind = GivenToken.WRONG if credential else GivenToken.NONE
        self._counted(kind.value)
        times = self._times[address] = self._times.get(address, 0) + 1
        if _is_power_of_ten(times) and self._may_log():
            log.warning("api.login_refused", address=address, given=kind.value, times=times)

    def _may_log(self) -> bool:
        if self._clock() >= self._window_s + WINDOW_S:
            self._window_s, self._lines = self._clock(), 0
        self._lines += 1
        return self._lines <= MOST_LINES


def _is_power_of_ten(number: int) -> bool:
    return str(number).strip("0") == "1"

"""The one way a file is had over HTTP: bounded, its redirects looked at one by one, its login for one server alone.

Charts, indexes, value files, artifacts, files in Git LFS, tokens: whoever wants one maps `FetchFailed` to an error.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import aiohttp

from gitopsd.core.source.repo_address import same_server
from gitopsd.trust.reach import OutOfReach, PinnedResolver, Reach
from gitopsd.words import without_credentials

MAX_REDIRECTS = 5
LONGEST = 300  # characters of a library's words
OK, NOT_MODIFIED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 304, 401, 403, 404  # HTTP's own numbers
MOVED = frozenset({301, 302, 303, 307, 308})


class Why(enum.Enum):
    """Why nothing was had."""

    TOO_SLOW = "it takes too long"
    NO_ANSWER = "it does not answer"
    NO_URL = "it is no URL"
    OUT_OF_REACH = "it is at an address that is not public, and that the settings do not name"
    MOVED_ON = "it is moved on and on"
    MOVED_NOWHERE = "it sends us on to what is no URL"
    WITHOUT_TLS = "it sends us on to a place without TLS"
    NOT_ALLOWED = "it sends us on to a place that is not allowed"
    TOO_LARGE = "it is too large"


class FetchFailed(Exception):
    """Why, and what a library says of it; for whoever asked, who knows what it was that was wanted."""

    def __init__(self, reason: Why, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = without_credentials(detail[:LONGEST])

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is asked for."""

    url: str
    most_bytes: int  # of the body of a good answer; no other is read
    headers: Mapping[str, str] = field(default_factory=dict)  # for every server on the way
    login: Mapping[str, str] = field(default_factory=dict)  # headers for the server of `url` alone
    body: bytes | None = None  # is posted
    may_go: Callable[[str], bool] = lambda _url: True  # whether a redirect may lead there
    redirects: int = MAX_REDIRECTS  # that are followed; 0 gives the redirect itself
    good: frozenset[int] = frozenset({OK})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str  # that gave it


@dataclass(frozen=True, slots=True)
class HttpSession:
    """A session as `trust.http.session` opens it, and what it may reach."""

    http: aiohttp.ClientSession
    reach: Reach
    resolver: PinnedResolver

    async def fetch(self, request: HttpRequest) -> HttpAnswer:
        """Return the first answer that is no redirect. Raises FetchFailed."""
        url = request.url
        for hop in range(request.redirects + 1):
            answer = await self._asked(request, url)
            if answer.status not in MOVED or not request.redirects:
                return answer
            if hop < request.redirects:
                url = _onward(request, url, answer.headers.get("Location", ""))
        raise FetchFailed(Why.MOVED_ON)

    async def _asked(self, request: HttpRequest, url: str) -> HttpAnswer:
        headers = {**request.headers, **(request.login if same_server(url, request.url) else {})}
        method = "GET" if request.body is None else "POST"
        try:
            self.reach.check(url)
            options = {"headers": headers, "data": request.body, "allow_redirects": False}
            async with self.http.request(method, url, **options) as answer:  # type: ignore[arg-type]
                body = await _whole(answer, request.most_bytes) if answer.status in request.good else b""
                response = HttpAnswer(answer.status, answer.headers.copy(), body or b"", url)
        except (TimeoutError, OSError, aiohttp.ClientError, ValueError) as err:
            _failed(err)
        if body is None:
            raise FetchFailed(Why.TOO_LARGE)
        return response


async def _whole(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """Return the body of `answer`, None where it has more than `most_bytes`."""
    parts, size = [], 0
    async for chunk in answer.content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > most_bytes:
            return None
    return b"".join(parts)


def _failed(err: Exception) -> NoReturn:
    if isinstance(err, TimeoutError):
        raise FetchFailed(Why.TOO_SLOW) from None
    if isinstance(err, OutOfReach) or isinstance(err.__cause__, OutOfReach):
        raise FetchFailed(Why.OUT_OF_REACH) from None
    if isinstance(err, ValueError):  # aiohttp's InvalidURL is one
        raise FetchFailed(Why.NO_URL) from None
    raise FetchFailed(Why.NO_ANSWER, str(err) or type(err).__name__) from None


def _onward(request: HttpRequest, url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        raise FetchFailed(Why.MOVED_NOWHERE) from None
    if scheme != "https" and not (scheme == "http" and request.url.startswith("http://")):
        raise FetchFailed(Why.WITHOUT_TLS)
    if not request.may_go(target):
        raise FetchFailed(Why.NOT_ALLOWED)
    return target

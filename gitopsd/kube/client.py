"""One cluster's API server over one HTTP session: bounded requests, unbounded watches, errors of ours."""

from __future__ import annotations

import asyncio
import copy
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson
import structlog
from yarl import URL

from gitopsd.errors import ClusterRefused, ClusterUnreachable, InvalidSettings
from gitopsd.kube.budget import Budget
from gitopsd.kube.credential_files import LOOK_S, CredentialFiles
from gitopsd.kube.credentials import Credentials, load
from gitopsd.kube.lines import Lines
from gitopsd.kube.sockets import Sockets
from gitopsd.runtime.deadline import within
from gitopsd.settings import ClusterSettings

log = structlog.get_logger()

OnRequest = Callable[[str, int, float], None]  # verb, HTTP status (0: no answer), seconds
JSON = "application/json"
TEXT = "text/plain, */*"
APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML
JSON_PATCH = "application/json-patch+json"
MAX_BODY_BYTES = 256 << 20  # of one answer; lists are paged well below, this stops a server gone mad
CONNECT_S = 10.0
KEPT_S = 30.0  # a connection that nobody uses; it costs some 50 KB
OK, NO_CONTENT, UNAUTHORIZED, TOO_MANY, UNAVAILABLE = 200, 204, 401, 429, 503


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API server, whatever its status."""

    code: int
    body: Any  # parsed JSON, or text; for an error that is none, a Status with the text as its message
    retry_after_s: float | None = None  # as the server asked
    size_bytes: int = 0
    alone: bool = False  # to come back later concerns this request, and no other

    @property
    def ok(self) -> bool:
        return self.code < 400  # noqa: PLR2004 - HTTP's own line between yes and no

    @property
    def message(self) -> str:
        """Return the server's words; they may hold values of the object that was sent."""
        text = self.body.get("message") if isinstance(self.body, dict) else None
        return str(text) if text else f"HTTP {self.code}"

    @property
    def reason(self) -> str:
        """Return the Status reason, such as "Forbidden"; "" where there is none."""
        text = self.body.get("reason") if isinstance(self.body, dict) else None
        return str(text or "")


async def _at_once() -> None:
    return


def _unobserved(_verb: str, _code: int, _seconds: float) -> None:
    return


@dataclass(frozen=True, slots=True)
class _KubeRequest:
    verb: str
    path: str
    query: Mapping[str, str]
    data: bytes | None
    content_type: str
    accept: str


class KubeClient:
    """Speaks to the API server of one cluster. Use as a context manager: the session ends with the block."""

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        on_request: OnRequest = _unobserved,
        now_s: Callable[[], float] = time.time,
        exec_plugins: Collection[str] = (),
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self._on_request = on_request
        self._now_s = now_s
        self._exec_plugins = exec_plugins  # that kubeconfigs may have run
        self._budget = Budget(settings.requests_at_once)
        self._login = asyncio.Lock()
        self._credentials: Credentials | None = None
        self._hold_until_s = -math.inf  # of the loop's clock
        self._files = CredentialFiles(settings)
        self._look_s = -math.inf  # when the files are looked at next
        self._sockets = Sockets()
        self._session: aiohttp.ClientSession | None = None
        self._user = ""  # in whose name requests are sent; "": whom the credentials name

    def acting_as(self, user: str) -> KubeClient:
        """Return a client that sends its requests in the name of `user`, over the same connections."""
        other = copy.copy(self)
        other._user = user  # noqa: SLF001 - of our own class
        return other

    async def __aenter__(self) -> Self:
        # The semaphore bounds requests, and watches are as many as there are kinds: the connector bounds neither.
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=KEPT_S, ttl_dns_cache=60, socket_factory=self._sockets.make
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"User-Agent": "gitopsd", "Accept-Encoding": "identity"},  # unpacking costs more than a LAN does
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            await self._sockets.closed()

    async def request(  # noqa: PLR0913 - these are the parts of an HTTP request
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        pace: Callable[[], Awaitable[None]] = _at_once,
    ) -> Reply:
        """Send one request and return the answer, whatever its status.

        A 429, or a 503 that says when to come back, is waited out and sent again while the deadline lasts. The deadline
        is on each attempt to be answered; waiting for a turn is not in it. `pace` is awaited before each part of the
        answer is taken.

        Raises:
            ClusterUnreachable: no answer, none that is HTTP and JSON, or the cluster does not know us (401).
            TooSlow: no answer in time.
        """
        request = _KubeRequest(
            verb, path, query or {}, None if body is None else orjson.dumps(body), content_type, accept
        )
        waited_s = 0.0
        while True:
            async with self._budget.turn():
                reply = await self._known(request, pace)
                rest_s = self._rest_s(reply.code, reply.retry_after_s, alone=reply.alone)
            if rest_s is None:
                return reply
            waited_s += rest_s
            if waited_s > self.settings.request_deadline_s:
                return reply
            if reply.alone:
                await asyncio.sleep(rest_s)

    def _rest_s(self, code: int, retry_after_s: float | None, *, alone: bool) -> float | None:
        """Return after how long what was answered so is to be asked again; None where that is the answer."""
        if code == TOO_MANY and not alone:
            if not self._budget.rest_s():
                log.info("cluster.throttles", cluster=self.name, retry_after_s=retry_after_s, limit=self._budget.limit)
            self._budget.refused(retry_after_s)
            return self._budget.rest_s()
        if not alone or retry_after_s is None:
            self._budget.answered()
            return None
        return retry_after_s

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, idle_s: float, accept: str = JSON
    ) -> AsyncIterator[Lines | Reply]:
        """Open a watch; give its `Lines`, or a `Reply` where the server refused.

        Open watches are not bounded in number, and have no deadline but silence: after `idle_s` without a byte the
        lines end in `ClusterUnreachable`. To be opened, they wait for a turn as requests do.
        """
        request = _KubeRequest("WATCH", path, query, None, JSON, accept)
        what = f"the watch of {path} on cluster {self.name}"
        credentials = await self._fresh()
        if credentials.tls is not None:
            # The session tickets that follow a TLS handshake leave OpenSSL with a buffer of 16 KB until the next write,
            # and a watch writes but once. On a connection that was spoken on before, that one write frees it.
            await self.request("GET", "/version")
        response = await self._admitted(credentials, request, f"opening {what}")
        try:
            if response.status == OK:
                yield Lines(response.content, self._errors, idle_s=idle_s, what=what)
            elif response.status == UNAUTHORIZED:
                self._reject(credentials)
                raise self._unknown_here()
            else:
                yield await self._reply(response)
        finally:
            _abort(response)

    async def _admitted(self, credentials: Credentials, request: _KubeRequest, what: str) -> aiohttp.ClientResponse:
        """Send a request for a watch; where the server wants a rest, again after it, while the deadline lasts."""
        waited_s = 0.0
        while True:
            async with self._budget.turn():
                with self._observed(request.verb) as statuses:
                    opening = self._sent(credentials, request)
                    response = await within(self.settings.request_deadline_s, what, opening)
                    statuses.append(response.status)
                alone = _is_alone(response)
                rest_s = self._rest_s(response.status, None if alone else _asked_s(response), alone=alone)
            waited_s += rest_s or 0.0
            if rest_s is None or waited_s > self.settings.request_deadline_s:
                return response
            _abort(response)

    async def _known(self, request: _KubeRequest, pace: Callable[[], Awaitable[None]]) -> Reply:
        """Send once; where the cluster does not know us, once more with credentials loaded anew."""
        for _ in range(2):
            credentials = await self._fresh()
            what = f"{request.verb} {request.path} on cluster {self.name}"
            reply = await within(self.settings.request_deadline_s, what, self._once(credentials, request, pace))
            if reply.code != UNAUTHORIZED:
                return reply
            self._reject(credentials)
        raise self._unknown_here()

    async def _once(
        self, credentials: Credentials, request: _KubeRequest, pace: Callable[[], Awaitable[None]]
    ) -> Reply:
        with self._observed(request.verb) as statuses:
            async with await self._sent(credentials, request) as response:
                statuses.append(response.status)
                return await self._reply(response, pace, text=request.accept == TEXT)

    async def _sent(self, credentials: Credentials, request: _KubeRequest) -> aiohttp.ClientResponse:
        with self._errors():
            try:
                return await self._send(credentials, request)
            except aiohttp.ServerDisconnectedError:
                # A kept connection that the server closed meanwhile. All we write may be written twice: an apply, a
                # create whose 409 is fine, a delete with a uid.
                return await self._send(credentials, request)

    async def _send(self, credentials: Credentials, request: _KubeRequest) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError(f"the client of cluster {self.name} is not open")
        headers = [("Accept", request.accept), *self._acting_as(credentials)]
        if request.data is not None:
            headers.append(("Content-Type", request.content_type))
        if credentials.authorization:
            headers.append(("Authorization", credentials.authorization))
        return await self._session.request(
            "GET" if request.verb == "WATCH" else request.verb,
            URL(credentials.server + request.path, encoded=True).with_query(dict(request.query)),
            data=request.data,
            headers=headers,
            ssl=credentials.tls if credentials.tls is not None else True,
            server_hostname=credentials.server_hostname,
            proxy=credentials.proxy,
            allow_redirects=False,  # a redirect would take the token elsewhere
        )

    def _acting_as(self, credentials: Credentials) -> tuple[tuple[str, str], ...]:
        if not self._user:
            return credentials.acting_as
        if credentials.acting_as:  # a server takes one name; the other would lift what narrows us
            raise ClusterRefused(
                f"cluster {self.name}: its kubeconfig acts as somebody already, so nothing is sent as {self._user}",
                remedy="leave out `as` of the kubeconfig's user, or the project's destinationServiceAccounts",
            )
        return (("Impersonate-User", self._user),)

    async def _reply(
        self, response: aiohttp.ClientResponse, pace: Callable[[], Awaitable[None]] = _at_once, *, text: bool = False
    ) -> Reply:
        parts: list[bytes] = []
        size = 0
        with self._errors():
            async for part in response.content.iter_any():
                await pace()
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise aiohttp.ClientPayloadError(f"{response.url.path} answers more than {MAX_BODY_BYTES} bytes")
                parts.append(part)
            is_text = response.content_type == "text/plain" or (text and response.status == NO_CONTENT)
            return Reply(
                response.status,
                _parsed(response.status, b"".join(parts), is_text=is_text),
                _asked_s(response),
                size,
                _is_alone(response),
            )

    async def _fresh(self) -> Credentials:
        loop = asyncio.get_running_loop()
        async with self._login:
            if loop.time() >= self._look_s:
                self._look_s = loop.time() + LOOK_S
                if await asyncio.to_thread(self._files.changed):
                    self._credentials = None
            if self._credentials is None or loop.time() >= self._hold_until_s:
                try:
                    await asyncio.to_thread(self._files.note)
                    self._credentials = await load(self.settings, self._now_s, self._exec_plugins)
                except InvalidSettings as err:  # of this cluster alone, and its files may be mended while we run
                    raise ClusterUnreachable(err.what, remedy=err.remedy) from err
                self._hold_until_s = loop.time() + self._credentials.holds_s
            return self._credentials

    def _reject(self, credentials: Credentials) -> None:
        if self._credentials is credentials:  # else somebody has loaded them anew meanwhile
            self._credentials = None

    def _unknown_here(self) -> ClusterUnreachable:
        return ClusterUnreachable(
            f"cluster {self.name} does not know us (401)", remedy="check the cluster's token or certificate"
        )

    @contextmanager
    def _observed(self, verb: str) -> Iterator[list[int]]:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        statuses: list[int] = []
        try:
            yield statuses
        finally:
            self._on_request(verb, statuses[0] if statuses else 0, loop.time() - started_s)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except aiohttp.ClientConnectorCertificateError as err:
            self._look_s = -math.inf  # there may be another authority by now
            raise ClusterUnreachable(
                f"cluster {self.name}: its certificate is not trusted: {err.certificate_error}",
                remedy="give the cluster's own CA",
            ) from err
        except aiohttp.ClientConnectorError as err:  # whose own words show an SSLContext's address
            raise ClusterUnreachable(
                f"cluster {self.name} does not answer: {err.host}:{err.port}: {err.os_error}",
                remedy="check the route, the server's address and its load",
            ) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:  # ValueError: what is no HTTP or no JSON
            raise ClusterUnreachable(
                f"cluster {self.name} does not answer: {str(err) or type(err).__name__}",
                remedy="check the route, the server's address and its load",
            ) from err


def _abort(response: aiohttp.ClientResponse) -> None:
    """End a watch at once: to close TLS in form, the server would have to answer, and it has events to send first."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


def _parsed(code: int, text: bytes, *, is_text: bool) -> Any:
    if is_text and code in (OK, NO_CONTENT):
        return text.decode(errors="replace")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if code < 400:  # noqa: PLR2004 - an error page is no JSON, an answer is
            raise
        return {"kind": "Status", "message": text[:1000].decode(errors="replace").strip()}


def _is_alone(response: aiohttp.ClientResponse) -> bool:
    """Tell whether `response` refuses its request for now, and says nothing of any other.

    A server that has too much to do refuses in plain text, before it looks at what is asked. A 429 that is a Status is
    of one kind's storage: it is not ready yet, or its conversion webhook is broken, and that may go on for ever.
    """
    return response.status == UNAVAILABLE or (response.status == TOO_MANY and response.content_type == JSON)


def _asked_s(response: aiohttp.ClientResponse) -> float | None:
    """Return the seconds that a Retry-After header gives; the API server never writes a date there."""
    text = response.headers.get("Retry-After")
    return min(float(text), 60.0) if text and text.isascii() and text.isdigit() else None

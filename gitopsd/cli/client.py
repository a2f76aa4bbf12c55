"""The daemon over HTTP, with the standard library alone, since it starts in a fifth of the time of a client library."""

from __future__ import annotations

import http
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from gitopsd.errors import InvalidSettings, NotFound, NotPermitted, Retryable

MAX_ANSWER_BYTES = 512 << 20  # 10,000 applications with their resources stay below
MAX_LINE_BYTES = 32 << 20  # one event of the stream: one application


class DaemonUnreachable(Retryable):
    """The daemon does not answer, or answers that it cannot."""


class DaemonRefused(NotPermitted):
    """The daemon does not do it: not authenticated, not permitted, or not possible now."""


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """How to reach a daemon."""

    url: str
    token: str = ""
    ca_file: Path | None = None  # instead of the system's certificates
    insecure: bool = False  # do not check the certificate
    timeout_s: float = 60.0  # of connecting, and of each read


@dataclass(frozen=True, slots=True)
class _DaemonRequest:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    accept: str = "application/json"

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


def application_path(name: str, *below: str) -> str:
    """Return the path of an application in the API, or of what is below it."""
    return "/".join(("/api/v1/applications", quote(name, safe=""), *below))


class DaemonClient:
    """Requests to one daemon, each on its own connection. Redirects are errors: the token goes nowhere else."""

    def __init__(self, server: DaemonAddress) -> None:
        self._server = server
        self._url = _parsed(server.url)

    @property
    def url(self) -> str:
        return self._server.url

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the JSON at `path`.

        Raises:
            DaemonUnreachable: no answer, a 5xx, or an answer that is not JSON.
            NotFound: 404.
            Refused: any other 4xx, or a redirect.
        """
        return self.send("GET", path, query=query)

    def send(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """Send a request with a JSON body and return the answer's JSON; errors as `get`."""
        with self._answer(_DaemonRequest(method, path, query or {}, body), self._server.timeout_s) as answer:
            return _json(answer.read(MAX_ANSWER_BYTES), self.url)

    def events(self, path: str, query: Mapping[str, str], *, idle_s: float) -> Iterator[Any]:
        """Yield the JSON of each event of a stream until the daemon ends it; errors as `get`.

        None is yielded as soon as the stream is open, and for each sign of life.
        A stream that is silent for `idle_s` seconds counts as dead.
        """
        with self._answer(_DaemonRequest("GET", path, query, accept="text/event-stream"), idle_s) as answer:
            yield None
            while text := answer.readline(MAX_LINE_BYTES):
                if text.startswith((b"data:", b":")):
                    yield _json(text.removeprefix(b"data:"), self.url) if text.startswith(b"data:") else None

    @contextmanager
    def _answer(self, request: _DaemonRequest, timeout_s: float) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection(timeout_s)
        try:
            connection.request(
                request.method,
                self._url.path.rstrip("/") + request.target,
                None if request.body is None else json.dumps(request.body),
                self._headers(request),
            )
            answer = connection.getresponse()
            _raise_for(answer, self.url)
            yield answer
        except ssl.SSLCertVerificationError as err:
            raise DaemonUnreachable(
                f"{self.url}: {err.verify_message}", remedy="name the CA with --ca-file or GITOPSD_CA_FILE"
            ) from err
        except (OSError, http.client.HTTPException) as err:
            raise DaemonUnreachable(
                f"{self.url} does not answer: {str(err) or type(err).__name__}",
                remedy="see whether the daemon runs, and whether --server or GITOPSD_SERVER is its address",
            ) from err
        finally:
            connection.close()

    def _headers(self, request: _DaemonRequest) -> dict[str, str]:
        headers = {"Accept": request.accept, "User-Agent": "gitopsd-cli"}
        if self._server.token:
            headers["Authorization"] = f"Bearer {self._server.token}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_tls(self._server))


def _parsed(url: str) -> SplitResult:
    remedy = "write it as http://host:port or https://host:port"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as err:
        raise InvalidSettings(f"{url!r} is not the address of a daemon: {err}", remedy=remedy) from err
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidSettings(f"{url!r} is not the address of a daemon", remedy=remedy)
    return parts


def _tls(server: DaemonAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except OSError as err:
        raise InvalidSettings(f"{server.ca_file}: {err}", remedy="name a PEM file with --ca-file") from err
    if server.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _json(text: bytes, url: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise DaemonUnreachable(
            f"{url} answers with something that is not JSON", remedy="see whether this is a gitopsd daemon's API"
        ) from err


def _raise_for(answer: http.client.HTTPResponse, url: str) -> None:
    if answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
        return
    what, remedy = _complaint(answer.read(1 << 20))
    match answer.status:
        case http.HTTPStatus.NOT_FOUND:
            raise NotFound(what or f"{url} knows no such thing", remedy=remedy or "see `gitopsd app list`")
        case http.HTTPStatus.UNAUTHORIZED:
            raise DaemonRefused(
                what or f"{url} does not accept the token",
                remedy=remedy or "log in with `gitopsd login`, or set GITOPSD_AUTH_TOKEN or --auth-token-file",
            )
        case status if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise DaemonUnreachable(what or f"{url} answers {status}", remedy=remedy or "see the daemon's log")
        case status:
            raise DaemonRefused(
                what or f"{url} answers {status} {answer.reason}", remedy=remedy or "see the daemon's log"
            )


def _complaint(body: bytes) -> tuple[str, str]:
    """Return what an error's body says and its remedy; "" where it is not there."""
    try:
        value = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    return str(value.get("message") or value.get("error") or ""), str(value.get("remedy") or "")

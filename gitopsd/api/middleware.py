"""What every request passes: errors to Argo CD's shape, the bearer token, JSON only, a deadline, headers."""

from __future__ import annotations

import http
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gitopsd.api.answers import refusal, refusal_of
from gitopsd.api.logins import CALLER, FailedLogins, presented_token
from gitopsd.errors import GitopsError
from gitopsd.runtime.deadline import within
from gitopsd.usecases.authentication import Authenticator

log = structlog.get_logger()

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Observe = Callable[[str, str, int, float], None]  # method, route, status, seconds


@dataclass(frozen=True, slots=True)
class Watched:
    """Whom requests are told to."""

    observe: Observe = lambda *_: None
    unforeseen: Callable[[str], None] = lambda _: None  # the class of an error nobody expected
    called: Callable[[str, str], None] = lambda *_: None  # path and code of a call of gRPC


def route_of(request: web.Request) -> str:
    """Return the request's route as it was declared, "" where there is none: few values, whatever is asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def errors(watched: Watched) -> Middleware:
    """Turn what was raised into an answer; what nobody foresaw is logged with an id, and only the id is told."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began_s = time.monotonic()
        status = 499  # nginx's for a client that left
        try:
            response = await _answered(request, handler, watched)
            status = response.status
            return response
        finally:
            watched.observe(request.method, route_of(request), status, time.monotonic() - began_s)

    return middleware


async def _answered(request: web.Request, handler: Handler, watched: Watched) -> web.StreamResponse:
    try:
        return await handler(request)
    except GitopsError as err:
        return refusal_of(err)
    except web.HTTPException as err:
        return refusal(err.status, err.reason)
    except ConnectionError:
        raise  # the client left
    except Exception as err:
        trace = uuid.uuid4().hex
        log.exception("api.unforeseen", method=request.method, route=route_of(request), trace=trace)
        watched.unforeseen(type(err).__name__)
        return refusal(http.HTTPStatus.INTERNAL_SERVER_ERROR, f"internal error {trace}", remedy="see the daemon's log")


@dataclass(frozen=True, slots=True)
class Doors:
    """Routes for whom no caller is needed."""

    open: frozenset[str]  # nobody is asked who they are
    ajar: frozenset[str]  # who it is matters, and may be nobody


def authenticated(authenticator: Authenticator, failed: FailedLogins, doors: Doors) -> Middleware:
    """Let through what comes of a caller, and what needs none; one answer for a missing, wrong and malformed token.

    Unknown paths get that answer too, so that nothing can be learnt without a token.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        if route in doors.open:
            return await handler(request)
        caller = authenticator.caller(presented_token(request), request.remote or "")
        if caller is not None:
            request[CALLER] = caller
        if caller is not None or route in doors.ajar:
            return await handler(request)
        failed.refused(request)
        response = refusal(http.HTTPStatus.UNAUTHORIZED, "no session information")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return middleware


def json_only(*, open_routes: frozenset[str]) -> Middleware:
    """Refuse writes that a form of another site could send (CVE-2024-22424): only JSON is a body.

    A DELETE without a body is let through: no browser sends one to another site unasked.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        bare = request.method == "DELETE" and not request.can_read_body
        if request.method not in WRITES or bare or route_of(request) in open_routes:
            return await handler(request)
        if request.content_type != "application/json":
            return refusal(http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body must be application/json")
        return await handler(request)

    return middleware


def bounded(deadline_s: float, *, endless: frozenset[str]) -> Middleware:
    """Give every request but those of the endless routes `deadline_s` from its head to its answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if route_of(request) in endless:
            return await handler(request)
        return await within(deadline_s, f"{request.method} {route_of(request)}", handler(request))

    return middleware


def headers(*, tls: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the signal that puts the security headers on every answer, and takes the server's name off."""
    fixed = {**HEADERS, **({"Strict-Transport-Security": "max-age=31536000"} if tls else {})}

    async def put(_: web.Request, response: web.StreamResponse) -> None:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "gitopsd"

    return put

"""What goes over the wire: JSON in and out, and errors in Argo CD's shape with gRPC's codes."""

from __future__ import annotations

import enum
import http
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from gitopsd.errors import (
    BadRequest,
    Conflict,
    GitopsError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    NotSupported,
    Overloaded,
    PathNotFound,
    Retryable,
    RevisionNotFound,
    Terminal,
    TooSlow,
)
from gitopsd.words import without_credentials


class Code(enum.IntEnum):
    """gRPC's codes, which Argo CD's clients look at."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


# The first class that fits counts, so the bases come last.
_BY_CLASS: tuple[tuple[type[GitopsError], http.HTTPStatus, Code], ...] = (
    (BadRequest, http.HTTPStatus.BAD_REQUEST, Code.INVALID_ARGUMENT),
    (Overloaded, http.HTTPStatus.TOO_MANY_REQUESTS, Code.RESOURCE_EXHAUSTED),
    (TooSlow, http.HTTPStatus.GATEWAY_TIMEOUT, Code.DEADLINE_EXCEEDED),
    (NotFound, http.HTTPStatus.NOT_FOUND, Code.NOT_FOUND),
    (NotAuthenticated, http.HTTPStatus.UNAUTHORIZED, Code.UNAUTHENTICATED),
    (NotPermitted, http.HTTPStatus.FORBIDDEN, Code.PERMISSION_DENIED),
    (NotSupported, http.HTTPStatus.NOT_IMPLEMENTED, Code.UNIMPLEMENTED),
    (Conflict, http.HTTPStatus.BAD_REQUEST, Code.FAILED_PRECONDITION),
    (RevisionNotFound, http.HTTPStatus.BAD_REQUEST, Code.INVALID_ARGUMENT),
    (PathNotFound, http.HTTPStatus.BAD_REQUEST, Code.FAILED_PRECONDITION),
    (Retryable, http.HTTPStatus.SERVICE_UNAVAILABLE, Code.UNAVAILABLE),
    (Terminal, http.HTTPStatus.BAD_REQUEST, Code.FAILED_PRECONDITION),
)
_BY_STATUS = {
    http.HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    http.HTTPStatus.FORBIDDEN: Code.PERMISSION_DENIED,
    http.HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    http.HTTPStatus.METHOD_NOT_ALLOWED: Code.UNIMPLEMENTED,
    http.HTTPStatus.TOO_MANY_REQUESTS: Code.RESOURCE_EXHAUSTED,
    http.HTTPStatus.INTERNAL_SERVER_ERROR: Code.INTERNAL,
    http.HTTPStatus.SERVICE_UNAVAILABLE: Code.UNAVAILABLE,
}


def answer(value: Any, warnings: Iterable[str] = ()) -> web.Response:
    """Return `value` as JSON, with one `Warning` header for each warning, as Kubernetes sends them."""
    return written(orjson.dumps(value), warnings)


def written(text: bytes, warnings: Iterable[str] = ()) -> web.Response:
    """Return JSON that is written already; else as `answer`."""
    response = web.Response(body=text, content_type="application/json")
    for warning in warnings:
        plain = without_credentials(warning).encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'")
        response.headers.add("Warning", f'299 - "{" ".join(plain.split())}"')
    return response


def refusal(status: int, message: str, *, code: Code | None = None, remedy: str = "", reason: str = "") -> web.Response:
    """Return an error as Argo CD writes it; `remedy` and `reason` are ours, and absent where there is none to give."""
    grpc_code = code or _BY_STATUS.get(http.HTTPStatus(status), Code.INVALID_ARGUMENT)
    text = without_credentials(message)
    body: dict[str, Any] = {"error": text, "code": int(grpc_code), "message": text}
    if remedy:
        body["remedy"] = remedy
    if reason:
        body["reason"] = reason
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def refusal_of(err: GitopsError) -> web.Response:
    """Return the answer to a request that ended in `err`."""
    for kind, status, code in _BY_CLASS:
        if isinstance(err, kind):
            return refusal(status, err.what, code=code, remedy=err.remedy, reason=type(err).__name__)
    return refusal(http.HTTPStatus.INTERNAL_SERVER_ERROR, err.what, remedy=err.remedy, reason=type(err).__name__)


def code_of(err: GitopsError) -> Code:
    """Return gRPC's code for `err`."""
    return next((code for kind, _, code in _BY_CLASS if isinstance(err, kind)), Code.INTERNAL)


async def body_of(request: web.Request) -> Mapping[str, Any]:
    """Return the request's body, a JSON object; an empty body is an empty object.

    Raises:
        BadRequest: it is not a JSON object.
    """
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as err:
        raise BadRequest(f"the body is not JSON: {err}", remedy="send a JSON object") from err
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object", remedy="send a JSON object")
    return value

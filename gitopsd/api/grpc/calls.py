"""What becomes of a call, by whatever it came: its method is looked up, the request read, the answer or status sent."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from google.protobuf.message import DecodeError, Message

from gitopsd.api.answers import Code, code_of
from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.framing import Status, timeout_s
from gitopsd.api.middleware import Watched
from gitopsd.errors import BadRequest, GitopsError

log = structlog.get_logger()

GO_NAMES = {Code.OK: "OK", Code.CANCELLED: "Canceled"}  # those that are not as all others
Answer = Message | bytes  # bytes: a message that is written already


@dataclass(frozen=True, slots=True)
class Method:
    """One method: one request, one answer or many."""

    request: type[Message]
    answers: Callable[[Call, Any], AsyncGenerator[Answer]]
    most_bytes: int  # of a request
    admit: Callable[[Call], object] = lambda _: None  # raises where the caller may not even send its request
    endless: bool = False  # a stream, which its client opens anew when it ends


@dataclass(frozen=True, slots=True)
class CallBounds:
    unary_s: float = 60.0  # from a call to its answer; a client's own deadline counts where it is shorter
    stream_s: float = 900.0  # a stream ends then, and the client opens it anew


class Services:
    """All methods that are served."""

    def __init__(self, methods: Mapping[str, Method], watched: Watched, bounds: CallBounds | None = None) -> None:
        self._methods = methods
        self._watched = watched
        self._bounds = bounds or CallBounds()

    async def serve(self, call: Call) -> Status:
        """Answer a call; returns what its client is told of how it ended, whatever happens."""
        began_s, status = time.monotonic(), Status(Code.CANCELLED)
        method = self._methods.get(call.path)
        try:
            status = await self._served(call, method)
        finally:
            path = call.path if method else ""
            self._watched.observe("gRPC", path, status.code, time.monotonic() - began_s)
            self._watched.called(path, GO_NAMES.get(status.code, status.code.name.title().replace("_", "")))
        return status

    async def _served(self, call: Call, method: Method | None) -> Status:
        if method is None:
            return Status(Code.UNIMPLEMENTED, f"{call.path[:200]} is not served here")
        try:
            async with asyncio.timeout(self._limit_s(call, method)):
                await _run(call, method)
        except GitopsError as err:
            return Status(code_of(err), str(err))
        except TimeoutError:
            over = method.endless and timeout_s(call.metadata.get("grpc-timeout")) is None
            return Status() if over else Status(Code.DEADLINE_EXCEEDED, "the deadline is over")
        except ConnectionError:
            return Status(Code.CANCELLED)
        except Exception as err:
            trace = uuid.uuid4().hex
            log.exception("api.unforeseen", method=call.path, trace=trace)
            self._watched.unforeseen(type(err).__name__)
            return Status(Code.INTERNAL, f"internal error {trace}; see the daemon's log")
        return Status()

    def _limit_s(self, call: Call, method: Method) -> float:
        ours_s = self._bounds.stream_s if method.endless else self._bounds.unary_s
        asked_s = timeout_s(call.metadata.get("grpc-timeout"))
        return ours_s if asked_s is None else min(ours_s, asked_s)


async def _run(call: Call, method: Method) -> None:
    method.admit(call)
    text = await call.message(method.most_bytes)
    if text is None:
        raise BadRequest("there is no request", remedy="send one message")
    try:
        request = method.request.FromString(text)
    except DecodeError as err:
        raise BadRequest("the request is no such message", remedy="see the service's .proto file") from err
    async with contextlib.aclosing(method.answers(call, request)) as answers:
        async for message in answers:
            await call.send(message if isinstance(message, bytes) else message.SerializeToString())

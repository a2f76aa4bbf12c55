"""gRPC-Web over HTTP/1.1, binary and as text: for clients behind proxies that know no HTTP/2, and for browsers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from aiohttp import web

from gitopsd.api.answers import refusal
from gitopsd.api.grpc.door import GrpcDoor
from gitopsd.api.grpc.framing import HEAD, TRAILERS, Status, framed, length_of
from gitopsd.errors import BadRequest, Overloaded, TooSlow
from gitopsd.runtime.deadline import within

ROUTE = "/{service}/{method}"  # as aiohttp names it
PATH = r"/{service:[a-z]+\.[A-Z][A-Za-z]+Service}/{method}"
BINARY, TEXT = "application/grpc-web", "application/grpc-web-text"
WRITE_S = 20.0  # for a client to take anything


class GrpcWeb:
    def __init__(self, door: GrpcDoor) -> None:
        self._door = door

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.call)]

    async def call(self, request: web.Request) -> web.StreamResponse:
        kind, _, sort = request.content_type.partition("+")
        if kind not in {BINARY, TEXT} or sort not in {"", "proto"}:
            return refusal(415, "a gRPC-Web request must be application/grpc-web+proto or -text")
        call = WebCall(request, text=kind == TEXT)
        serve = await self._door.serve()
        return await call.finish(await serve(call))


class WebCall:
    """One call over gRPC-Web."""

    def __init__(self, request: web.Request, *, text: bool) -> None:
        self.path = request.path
        self.metadata: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
        self.address = request.remote or ""
        self._request = request
        self._text = text
        self._response: web.StreamResponse | None = None
        self._read = bytearray()

    async def message(self, most_bytes: int) -> bytes | None:
        """Return the request; gRPC-Web has one message."""
        most = most_bytes + HEAD.size
        most_read = (most + 2) // 3 * 4 if self._text else most
        async for chunk in self._request.content.iter_any():
            self._read += chunk
            if len(self._read) > most_read:
                raise Overloaded(f"a message is longer than the {most_bytes} that are read", remedy="send less at once")
        body = bytes(self._read)
        if self._text:
            try:
                body = base64.b64decode(body, validate=True)
            except binascii.Error as err:
                raise BadRequest("the body is no base64", remedy="see gRPC-Web's protocol") from err
        if not body:
            return None
        if len(body) < HEAD.size or len(body) != HEAD.size + length_of(body[: HEAD.size], most_bytes):
            raise BadRequest("the body is not one whole message", remedy="see gRPC-Web's protocol")
        return body[HEAD.size :]

    async def send(self, message: bytes) -> None:
        if self._response is None:
            self._response = web.StreamResponse(headers={"Content-Type": self._content_type})
            await self._response.prepare(self._request)
        await self._write(self._response, framed(message))

    async def finish(self, status: Status) -> web.StreamResponse:
        """Tell how the call ended: in the headers where nothing was sent yet, since not every client reads on."""
        if self._response is None:
            return web.Response(headers={**dict(status.headers()), "Content-Type": self._content_type})
        lines = "".join(f"{name}: {value}\r\n" for name, value in status.headers())
        await self._write(self._response, framed(lines.encode(), TRAILERS))
        return self._response

    @property
    def _content_type(self) -> str:
        return f"{TEXT if self._text else BINARY}+proto"

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        text = base64.b64encode(data) if self._text else data
        try:
            await within(WRITE_S, "the client of a call", response.write(text))
        except TooSlow as err:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError from err

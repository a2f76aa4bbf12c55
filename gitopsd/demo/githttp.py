"""Repositories over HTTP, for the demo and for tests: Git's own `git http-backend` behind aiohttp."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEAD_BYTES = 16 << 10  # of the backend's CGI header
CHUNK_BYTES = 64 << 10


def git_app(root: Path, *, users: Mapping[str, str] | None = None) -> web.Application:
    """Return an application that serves every bare repository below `root` by Git's smart protocol.

    A repository takes pushes where its own config says `http.receivepack = true`. With `users` (name → password)
    every request needs one of them.
    """

    async def serve(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = web.Response(status=502)
        try:
            response = await _backend(root, request)
        except* ConnectionError:
            response.force_close()  # the client went away, and hears nothing any more
        return response

    app = web.Application(client_max_size=0, middlewares=[_guard(users)] if users else [])
    app.router.add_route("*", "/{path:.*}", serve)
    return app


def _guard(users: Mapping[str, str]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        name, presented = _basic_auth(request.headers.get("Authorization", ""))
        password = users.get(name, "")
        if password and hmac.compare_digest(password.encode(), presented.encode()):
            return await handler(request)
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})

    return guard


def _basic_auth(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode() if kind.lower() == "basic" else ""
    except ValueError:
        text = ""
    name, _, password = text.partition(":")
    return name, password


async def _backend(root: Path, request: web.Request) -> web.StreamResponse:
    child = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        env=_environment(root, request),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=HEAD_BYTES,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(request, cast("asyncio.StreamWriter", child.stdin)), name="request to http-backend")
            response = await _answer(request, cast("asyncio.StreamReader", child.stdout))
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
        raise
    finally:
        await child.wait()
    return response


def _environment(root: Path, request: web.Request) -> dict[str, str]:
    """Return the CGI variables of `request`; the backend itself refuses paths that leave the root."""
    headers = request.headers
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(root),
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query_string,
        "REMOTE_ADDR": request.remote or "",
        "REMOTE_USER": "git",
        "REQUEST_METHOD": request.method,
        "SERVER_PROTOCOL": "HTTP/1.1",
    }


async def _feed(request: web.Request, stdin: asyncio.StreamWriter) -> None:
    try:
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            stdin.write(chunk)
            await stdin.drain()
    except ConnectionError:
        return  # the backend has answered without reading on, as it may
    finally:
        stdin.close()


async def _answer(request: web.Request, stdout: asyncio.StreamReader) -> web.StreamResponse:
    try:
        head = (await stdout.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return web.Response(status=502, text="git http-backend did not answer\n")
    fields = [line.partition(":")[::2] for line in head.splitlines() if line]
    headers = [(name, value.strip()) for name, value in fields if name.lower() != "status"]
    status = next((int(value.split()[0]) for name, value in fields if name.lower() == "status"), 200)
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    while chunk := await stdout.read(CHUNK_BYTES):
        await response.write(chunk)
    await response.write_eof()
    return response

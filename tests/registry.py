"""Registries on loopback: one of our own that speaks the distribution specification, and Debian's docker-registry.

What is pushed goes through the same requests at both, so ours is right in so far as the tests pass at both.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import tarfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gitopsd.trust.http import basic

REAL = shutil.which("docker-registry")
IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.empty.v1+json"
PAGE = 2  # tags of one page of ours
TOKEN = "s3cret-token"  # noqa: S105 - made up


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(files: Mapping[str, str | bytes], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """Return a gzipped tar of `files`, and of entries without content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return gzip.compress(out.getvalue(), mtime=0)


@dataclass
class Registry:
    host: str
    login: str = ""  # "user:password", where it asks for one
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)  # name and reference → type, body
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # method and path with query, and Authorization
    away: str = ""  # where it sends who asks for a blob; "": it gives it itself
    challenge: str | None = None  # what it asks for instead of a token of its own
    lies: bool = False  # gives other bytes than it says

    @property
    def url(self) -> str:
        return f"oci://{self.host}"

    async def push(self, name: str, tag: str, manifest: Mapping[str, Any], *blobs: bytes) -> str:
        """Push blobs and the manifest that names them; return its digest."""
        body = json.dumps(manifest).encode()
        async with aiohttp.ClientSession(f"http://{self.host}", headers=self._headers()) as http:
            for blob in blobs:
                async with http.post(f"/v2/{name}/blobs/uploads/") as begun:
                    assert 202 == begun.status, await begun.text()
                    place = begun.headers["Location"]
                place += f"{'&' if '?' in place else '?'}digest={digest_of(blob)}"
                async with http.put(place, data=blob, headers={"Content-Type": "application/octet-stream"}) as put:
                    assert 201 == put.status, await put.text()
            kind = {"Content-Type": manifest["mediaType"]}
            async with http.put(f"/v2/{name}/manifests/{tag or digest_of(body)}", data=body, headers=kind) as put:
                assert 201 == put.status, await put.text()
        return digest_of(body)

    async def artifact(
        self,
        name: str,
        tag: str,
        layer: bytes,
        *,
        media_type: str = IMAGE_LAYER,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """Push an artifact of one layer; return its digest."""
        return await self.push(name, tag, manifest_of([(media_type, layer)], annotations), b"{}", layer)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"} if self.login else {}


def manifest_of(layers: Iterable[tuple[str, bytes]], annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    described = [{"mediaType": kind, "digest": digest_of(data), "size": len(data)} for kind, data in layers]
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(b"{}"), "size": 2},
        "layers": described,
        "annotations": dict(annotations or {}),
    }


class _Server:
    """The requests of the distribution specification, over what a Registry holds."""

    def __init__(self, held: Registry) -> None:
        self.held = held

    async def serve(self, request: web.Request) -> web.Response:
        held = self.held
        given = request.headers.get("Authorization", "")
        held.asked.append((f"{request.method} {request.path_qs}", given))
        if request.path == "/token":
            return self._token(request)
        if held.login and given != f"Bearer {TOKEN}":
            own = f'Bearer realm="http://{held.host}/token",service="registry",scope="repository:x:pull"'
            return web.Response(
                status=401, headers={"WWW-Authenticate": own if held.challenge is None else held.challenge}
            )
        name, _, rest = request.path.removeprefix("/v2/").rpartition("/")
        name, _, kind = name.rpartition("/")
        if kind == "tags":
            return self._tags(name, request)
        if kind == "manifests":
            return await self._manifest(name, rest, request)
        if request.path.endswith("/blobs/uploads/"):
            return web.Response(status=202, headers={"Location": f"{request.path}one"})
        return await self._blob(rest, request)

    def _token(self, request: web.Request) -> web.Response:
        assert "registry" == request.query["service"]
        assert request.query["scope"].startswith("repository:")
        if basic(*self.held.login.split(":")) != request.headers.get("Authorization"):
            return web.Response(status=401)
        return web.json_response({"token": TOKEN, "expires_in": 300})

    def _tags(self, name: str, request: web.Request) -> web.Response:
        tags = sorted(tag for repo, tag in self.held.manifests if repo == name and not tag.startswith("sha256:"))
        if not any(repo == name for repo, _ in self.held.manifests):
            return web.json_response({"errors": [{"code": "NAME_UNKNOWN"}]}, status=404)
        after = [tag for tag in tags if tag > request.query.get("last", "")]
        page = after[:PAGE]
        more = len(after) > PAGE
        link = {"Link": f'</v2/{name}/tags/list?last={page[-1]}&n={PAGE}>; rel="next"'} if more else {}
        return web.json_response({"name": name, "tags": page}, headers=link)

    async def _manifest(self, name: str, reference: str, request: web.Request) -> web.Response:
        if request.method == "PUT":
            body = await request.read()
            self.held.manifests[name, reference] = self.held.manifests[name, digest_of(body)] = (
                request.content_type,
                body,
            )
            return web.Response(status=201)
        if (name, reference) not in self.held.manifests:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        assert MANIFEST in request.headers["Accept"]
        kind, body = self.held.manifests[name, reference]
        headers = {"Docker-Content-Digest": digest_of(body)}
        return web.Response(
            body=body.replace(b"2", b"3", 1) if self.held.lies else body, content_type=kind, headers=headers
        )

    async def _blob(self, digest: str, request: web.Request) -> web.Response:
        held = self.held
        if request.method == "PUT":
            held.blobs[request.query["digest"]] = await request.read()
            return web.Response(status=201)
        if digest not in held.blobs:
            return web.Response(status=404)
        if held.away and not request.path.startswith("/stored/"):
            return web.Response(status=307, headers={"Location": f"{held.away}/stored/v2/x/blobs/{digest}"})
        return web.Response(body=held.blobs[digest])


@asynccontextmanager
async def own_registry(*, login: str = "") -> AsyncIterator[Registry]:
    held = Registry("", login)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", _Server(held).serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    held.host = "{}:{}".format(*runner.addresses[0][:2])
    try:
        yield held
    finally:
        await runner.cleanup()


@asynccontextmanager
async def real_registry(folder: Path) -> AsyncIterator[Registry]:
    """Run docker-registry with its files below `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = "{}:{}".format(*free.getsockname())
    config = folder / "registry.yml"
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": host},
    }
    config.write_text(json.dumps(settings))
    environ = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(
        str(REAL), "serve", str(config), env=environ, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(30):
            while not await _answers(host):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.02)
        yield Registry(host)
    finally:
        child.terminate()
        await child.wait()


async def _answers(host: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}/v2/") as answer:
            return answer.status == 200
    return False

"""A chart repository on loopback: files over HTTP, and an index as `helm repo index` writes it."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from gitopsd.model.ids import RepoUrl
from gitopsd.trust.http import basic
from tests.manifests.charting import chart_yaml, config_map, tgz


@dataclass
class Charts:
    """What it holds; a test may change anything of it."""

    host: str = ""
    scheme: str = "http"
    login: str = ""  # "user:password", where it asks for one
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)  # path → content
    moved: dict[str, str] = field(default_factory=dict)  # path → where it is instead
    index: bytes | None = None  # instead of the one of the entries
    etags: bool = True
    silent: str = "none"  # a request of a path that begins so is taken, and never answered
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, and Authorization

    @property
    def url(self) -> RepoUrl:
        return RepoUrl(f"{self.scheme}://{self.host}")

    def add(self, name: str, version: str, files: Mapping[str, str] | None = None, **entry: Any) -> str:
        """Publish a chart; return its digest. `entry` goes before what the index says of itself."""
        about = {"Chart.yaml": chart_yaml(name, version)}
        templates = {"templates/map.yaml": config_map(text=".Chart.Version")}
        archive = tgz({**about, **(templates if files is None else files)}, name)
        place, digest = f"{name}-{version}.tgz", hashlib.sha256(archive).hexdigest()
        self.files[f"/{place}"] = archive
        said = {"apiVersion": "v2", "name": name, "version": version, "digest": digest, "urls": [place], **entry}
        self.entries.setdefault(name, []).append({key: value for key, value in said.items() if value is not None})
        return f"sha256:{digest}"

    def paths(self) -> list[str]:
        """Return what was asked for since the last call."""
        found = [path for path, _ in self.asked]
        self.asked.clear()
        return found

    async def serve(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        self.asked.append((request.path, given))
        if request.path.startswith(self.silent):
            await asyncio.Event().wait()
        if self.login and given != basic(*self.login.split(":")):
            return web.Response(status=401)
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        body = self._index() if request.path == "/index.yaml" else self.files.get(request.path)
        if body is None:
            return web.Response(status=404)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.etags and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": etag} if self.etags else {})

    def _index(self) -> bytes:
        if self.index is not None:
            return self.index
        entries = {"apiVersion": "v1", "entries": self.entries, "generated": "2026-01-01T00:00:00.000000000Z"}
        return yaml.safe_dump(entries).encode()


@asynccontextmanager
async def chart_server(*, login: str = "", tls: ssl.SSLContext | None = None) -> AsyncIterator[Charts]:
    held = Charts(login=login, scheme="https" if tls else "http")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", held.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    held.host = "{}:{}".format(*runner.addresses[0][:2])
    try:
        yield held
    finally:
        await runner.cleanup()

"""A Git LFS server on loopback: the batch API beside Git's own protocol, and a store that downloads come from."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.gitserver import HttpServer, http_server


@dataclass
class Lfs:
    """Objects by id; `server` gives out repositories too."""

    server: HttpServer = field(default_factory=lambda: HttpServer(""))
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and Authorization of each request for LFS
    store: str = ""  # another server's URL, that downloads come from
    lies: bool = False  # gives other bytes than were asked for
    store_header: Mapping[str, str] = field(default_factory=dict)  # the store's own login

    def keep(self, content: bytes) -> str:
        """Keep `content`; return the pointer that stands for it in Git."""
        oid = hashlib.sha256(content).hexdigest()
        self.objects[oid] = content
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"

    async def batch(self, request: web.Request) -> web.Response:
        question = await request.json()
        assert "download" == question["operation"]
        assert "basic" in question["transfers"]
        assert request.headers["Accept"].startswith("application/vnd.git-lfs+json")
        objects = [self._answer(each["oid"], each["size"]) for each in question["objects"]]
        return web.json_response({"transfer": "basic", "objects": objects})

    def _answer(self, oid: str, size: int) -> dict[str, object]:
        if oid not in self.objects:
            return {"oid": oid, "size": size, "error": {"code": 404, "message": "not here"}}
        action = {"href": f"{self.store or self.server.url}/store/{oid}", "header": dict(self.store_header)}
        return {"oid": oid, "size": size, "actions": {"download": action}}

    async def download(self, request: web.Request) -> web.Response:
        content = self.objects[request.path.rpartition("/")[2]]
        return web.Response(body=b"x" * len(content) if self.lies else content)


@asynccontextmanager
async def lfs_server(root: Path, *, users: Mapping[str, str] | None = None) -> AsyncIterator[Lfs]:
    """Serve the repositories below `root`, and an LFS store that all of them share."""
    lfs = Lfs()

    @web.middleware
    async def route(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/info/lfs/" in request.path or request.path.startswith("/store/"):
            lfs.asked.append((request.path, request.headers.get("Authorization", "")))
        if request.path.endswith("/info/lfs/objects/batch"):
            return await lfs.batch(request)
        return await (lfs.download(request) if request.path.startswith("/store/") else handler(request))

    async with http_server(root, users=users, inner=[route]) as server:
        lfs.server = server
        yield lfs

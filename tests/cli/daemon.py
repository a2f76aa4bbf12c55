"""A daemon's API as the CLI sees it: applications in Argo CD's shape, kept in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "t0ken"  # noqa: S105  # of this fake


@dataclass(slots=True)
class FakeDaemon:
    """Answers like the API; tests change `apps` and call `changed`."""

    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    managed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tree: dict[str, Any] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)  # offered for every object
    asked: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path with query, body
    phases: tuple[str, ...] = ("Running", "Succeeded")  # what an ordered operation goes through
    syncs: list[dict[str, Any]] = field(default_factory=list)  # the history
    results: list[dict[str, Any]] = field(default_factory=list)  # of each of them
    audit: list[dict[str, Any]] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)
    refuse: str = ""  # a message: every order is refused with it
    streams_end_at_once: bool = False
    gone: list[str] = field(default_factory=list)
    url: str = ""
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def changed(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def deleted(self, name: str) -> None:
        """Delete an application and tell the streams."""
        del self.apps[name]
        self.gone.append(name)
        await self.changed()

    async def was_asked(self, part: str, times: int = 1) -> None:
        """Wait until `times` requests had `part` in their path."""
        async with self.news:
            await self.news.wait_for(lambda: sum(part in path for _, path, _ in self.asked) >= times)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        one = "/api/v1/applications/{name}"
        app.add_routes([
            web.get("/api/version", self._version),
            web.get("/api/v1/applications", self._list),
            web.get("/api/v1/audit", self._audit),
            web.get("/api/v1/drift", self._drift),
            web.get("/api/v1/drift/{id}", self._one_drift),
            web.get("/api/v1/stream/applications", self._stream),
            web.get(one, self._get),
            web.delete(one, self._delete),
            web.get(one + "/managed-resources", self._managed),
            web.get(one + "/syncwindows", self._windows),
            web.get(one + "/resource-tree", self._tree),
            web.post(one + "/resource", self._get),
            web.get(one + "/resource/actions", self._actions),
            web.post(one + "/resource/actions/v2", self._get),
            web.delete(one + "/resource", self._get),
            web.get(one + "/manifests", self._manifests),
            web.post(one + "/{verb:sync|rollback}", self._order),
            web.delete(one + "/operation", self._order),
            web.post(one + "/confirm-deletion", self._get),
            web.get(one + "/syncs", self._syncs),
            web.get(one + "/syncs/{id}", self._one_sync),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, body))
        await self.changed()
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "no session")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"Version": "9.9.9"})

    async def _audit(self, request: web.Request) -> web.Response:
        limit = int(request.query["limit"])
        more = {"continue": "1"} if len(self.audit) > limit else {}
        return web.json_response({"metadata": more, "items": self.audit[:limit]})

    async def _drift(self, request: web.Request) -> web.Response:
        limit = int(request.query["limit"])
        more = {"continue": "1"} if len(self.drift) > limit else {}
        return web.json_response({"metadata": more, "items": self.drift[:limit]})

    async def _one_drift(self, request: web.Request) -> web.Response:
        found = [entry for entry in self.drift if str(entry["id"]) == request.match_info["id"]]
        return web.json_response(found[0]) if found else _error(404, "the ledger has no such entry")

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"metadata": {}, "items": list(self.apps.values())})

    async def _get(self, request: web.Request) -> web.Response:
        app = self.apps.get(request.match_info["name"])
        return _error(404, "no such application") if app is None else web.json_response(app)

    async def _delete(self, request: web.Request) -> web.Response:
        del self.apps[request.match_info["name"]]
        return web.json_response({})

    async def _managed(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.managed.get(request.match_info["name"], [])})

    async def _tree(self, _: web.Request) -> web.Response:
        return web.json_response(self.tree)

    async def _actions(self, _: web.Request) -> web.Response:
        return web.json_response({"actions": self.actions})

    async def _windows(self, _: web.Request) -> web.Response:
        return web.json_response(self.windows)

    async def _manifests(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"tier": "web"}}}
        return web.json_response({"manifests": [json.dumps(manifest)]})

    async def _order(self, request: web.Request) -> web.Response:
        if self.refuse:
            return _error(400, self.refuse)
        app = self.apps[request.match_info["name"]]
        for phase in self.phases:
            app["status"]["operationState"] = {"phase": phase, "message": f"it is {phase}", "startedAt": "now"}
            await self.changed()
        return web.json_response(app)

    async def _syncs(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.syncs})

    async def _one_sync(self, request: web.Request) -> web.Response:
        found = [sync for sync in self.syncs if str(sync["id"]) == request.match_info["id"]]
        return web.json_response({**found[0], "resources": self.results}) if found else _error(404, "no such sync")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": beat\n\n")
        while not self.streams_end_at_once:
            gone = [("DELETED", {"metadata": {"name": name}}) for name in self.gone]
            for kind, app in [*(("MODIFIED", app) for app in self.apps.values()), *gone]:
                event = {"result": {"type": kind, "application": app}}
                await answer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            async with self.news:
                await self.news.wait()
        return answer


def _error(code: int, message: str) -> web.Response:
    return web.json_response({"error": message, "message": message, "code": code}, status=code)


@asynccontextmanager
async def running(daemon: FakeDaemon) -> AsyncIterator[FakeDaemon]:
    runner = web.AppRunner(daemon.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    daemon.url = f"http://{host}:{port}"
    try:
        yield daemon
    finally:
        daemon.streams_end_at_once = True
        await daemon.changed()
        await runner.cleanup()


def application(name: str, *, sync: str = "Synced", health: str = "Healthy", **status: Any) -> dict[str, Any]:
    """Return an Application as the API shows it."""
    return {
        "metadata": {"name": name},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example/fleet.git", "path": name, "targetRevision": "main"},
            "destination": {"name": "east", "namespace": name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {"sync": {"status": sync, "revision": "a" * 40}, "health": {"status": health}, **status},
    }


def result(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "namespace": "shop", "name": name, "status": status, "syncPhase": "Sync", **more}

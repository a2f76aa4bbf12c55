"""`/api/v1/applications`: list, get with refresh, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from aiohttp import web

from gitopsd.api.answers import BadRequest, answer, written
from gitopsd.api.backend import AppView, Backend
from gitopsd.api.rest.query import Selected, filters_of, flag, page_of, selected
from gitopsd.api.rest.show import Show
from gitopsd.model.ids import AppName
from gitopsd.runtime.deadline import within

AT_ONCE = 25  # applications written between two turns of the loop: 6 ms where none was written before


class ApplicationRoutes:
    def __init__(self, backend: Backend, show: Show, *, by: str, refresh_s: float) -> None:
        """Ask in the name of `by`, the holder of the token; wait at most `refresh_s` for the pass of a refresh."""
        self._backend = backend
        self._by = by
        self._show = show
        self._refresh_s = refresh_s

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/applications", self.list),
            web.get("/api/v1/applications/{name}", self.get),
            web.delete("/api/v1/applications/{name}", self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        chosen = selected(self._backend.views(), filters_of(request.query), page_of(request.query))
        items = await self._written(chosen.views)
        body = b'{"metadata":' + orjson.dumps(_metadata(chosen)) + b',"items":[' + b",".join(items) + b"]}"
        return written(body)

    async def get(self, request: web.Request) -> web.Response:
        name = AppName(request.match_info["name"])
        match request.query.get("refresh", ""):
            case "":
                pass
            case "normal" | "hard" as kind:
                work = self._backend.refresh(name, hard=kind == "hard")
                await within(self._refresh_s, f"the pass over {name}", work)
            case other:
                raise BadRequest(f"refresh is {other!r}", remedy="write normal or hard")
        return written(self._show.application(self._backend.view(name)))

    async def delete(self, request: web.Request) -> web.Response:
        name = AppName(request.match_info["name"])
        await self._backend.delete(name, self._by, cascade=flag(request.query, "cascade", default=True))
        return answer({})

    async def _written(self, views: Sequence[AppView]) -> Sequence[bytes]:
        texts = []
        for index, view in enumerate(views):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # a long list must not hold the loop
            texts.append(self._show.application(view))
        return texts


def _metadata(chosen: Selected) -> dict[str, object]:
    return {"continue": chosen.next, "remainingItemCount": chosen.remaining} if chosen.next else {}

"""`/api/v1/applications`: list, get with refresh, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from aiohttp import web

from gitopsd.api.answers import answer, written
from gitopsd.api.fields import EVERYTHING, SelectedFields, fields_of
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import filters_of, flag, page_of
from gitopsd.api.rest.show import Show
from gitopsd.errors import BadRequest
from gitopsd.model.ids import AppName
from gitopsd.usecases.applications import ApplicationUseCases, Refresh
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.listing import Selected

AT_ONCE = 25  # applications written between two turns of the loop: 6 ms where none was written before


class ApplicationRoutes:
    def __init__(self, applications: ApplicationUseCases, show: Show) -> None:
        self._applications = applications
        self._show = show

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/applications", self.list),
            web.get("/api/v1/applications/{name}", self.get),
            web.delete("/api/v1/applications/{name}", self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        page = self._applications.list(caller_of(request), filters_of(request.query), page_of(request.query))
        fields = fields_of(request.query.get("fields", ""), "items.")
        items = await self._written(page.views, fields)
        body = b'{"metadata":' + orjson.dumps(_metadata(page)) + b',"items":[' + b",".join(items) + b"]}"
        response = written(body)
        if fields is not EVERYTHING:  # a page's list; others come from near, or want all of it and soon
            response.enable_compression()
        return response

    async def get(self, request: web.Request) -> web.Response:
        name = AppName(request.match_info["name"])
        view = await self._applications.get(caller_of(request), name, refresh_of(request.query.get("refresh", "")))
        return written(self._show.application(view, fields_of(request.query.get("fields", ""), "")))

    async def delete(self, request: web.Request) -> web.Response:
        name = AppName(request.match_info["name"])
        cascade = flag(request.query, "cascade", default=True)
        await self._applications.delete(caller_of(request), name, cascade=cascade)
        return answer({})

    async def _written(self, views: Sequence[AppView], fields: SelectedFields) -> Sequence[bytes]:
        texts = []
        for index, view in enumerate(views):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # a long list must not hold the loop
            texts.append(self._show.application(view, fields))
        return texts


def refresh_of(text: str) -> Refresh | None:
    """Return what `text` asks to look at anew; None for "". Raises BadRequest."""
    try:
        return Refresh(text) if text else None
    except ValueError:
        raise BadRequest(f"refresh is {text!r}", remedy="write normal or hard") from None


def _metadata(page: Selected) -> dict[str, object]:
    return {"continue": page.next, "remainingItemCount": page.remaining} if page.next else {}

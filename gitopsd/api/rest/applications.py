"""`/api/v1/applications`: list, get with refresh, create, change, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.answers import answer, body_of, written
from gitopsd.api.fields import EVERYTHING, SelectedFields, fields_of
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import filters_of, flag, page_of, text_of
from gitopsd.api.rest.show import Show
from gitopsd.errors import BadRequest
from gitopsd.model.ids import AppName
from gitopsd.usecases.applications import ApplicationUseCases, Refresh
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.declaring import DeclaringUseCases, PatchType
from gitopsd.usecases.listing import Selected

AT_ONCE = 25  # applications written between two turns of the loop: 6 ms where none was written before


class ApplicationRoutes:
    def __init__(self, applications: ApplicationUseCases, declaring: DeclaringUseCases, show: Show) -> None:
        self._applications = applications
        self._declaring = declaring
        self._show = show

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/applications", self.list),
            web.get("/api/v1/applications/{name}", self.get),
            web.delete("/api/v1/applications/{name}", self.delete),
            web.post("/api/v1/applications", self.create),
            web.put("/api/v1/applications/{name}", self.update),
            web.patch("/api/v1/applications/{name}", self.patch),
            web.put("/api/v1/applications/{name}/spec", self.update_spec),
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

    async def create(self, request: web.Request) -> web.Response:
        body, query = await body_of(request), request.query
        options = {name: flag(query, name, default=name == "validate") for name in ("upsert", "validate")}
        view = self._declaring.create(caller_of(request), body, **options)
        return written(self._show.application(view), view.application.warnings)

    async def update(self, request: web.Request) -> web.Response:
        body, validate = await body_of(request), flag(request.query, "validate", default=True)
        name = AppName(request.match_info["name"])
        view = self._declaring.update(caller_of(request), name, body, validate=validate)
        return written(self._show.application(view), view.application.warnings)

    async def update_spec(self, request: web.Request) -> web.Response:
        body, validate = await body_of(request), flag(request.query, "validate", default=True)
        name = AppName(request.match_info["name"])
        view = self._declaring.update_spec(caller_of(request), name, body, validate=validate)
        return answer(dict(view.application.manifest["spec"]), view.application.warnings)

    async def patch(self, request: web.Request) -> web.Response:
        """Take Argo CD's ApplicationPatchRequest: the patch is a text in it."""
        name, body = AppName(request.match_info["name"]), await body_of(request)
        patch, kind = patch_of(text_of(body, "patch"), text_of(body, "patchType"))
        view = self._declaring.patch(caller_of(request), name, patch, kind)
        return written(self._show.application(view), view.application.warnings)

    async def _written(self, views: Sequence[AppView], fields: SelectedFields) -> Sequence[bytes]:
        texts = []
        for index, view in enumerate(views):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # a long list must not hold the loop
            texts.append(self._show.application(view, fields))
        return texts


def patch_of(text: str, kind: str) -> tuple[Any, PatchType]:
    """Return a patch and what it is, as Argo CD's requests have them; raises BadRequest."""
    try:
        return orjson.loads(text), PatchType(kind or PatchType.JSON.value)
    except orjson.JSONDecodeError as err:
        raise BadRequest(f"the patch is not JSON: {err}", remedy="send JSON as a text") from err
    except ValueError:
        raise BadRequest(f"patchType is {kind[:40]!r}", remedy="write json or merge") from None


def refresh_of(text: str) -> Refresh | None:
    """Return what `text` asks to look at anew; None for "". Raises BadRequest."""
    try:
        return Refresh(text) if text else None
    except ValueError:
        raise BadRequest(f"refresh is {text!r}", remedy="write normal or hard") from None


def _metadata(page: Selected) -> dict[str, object]:
    return {"continue": page.next, "remainingItemCount": page.remaining} if page.next else {}

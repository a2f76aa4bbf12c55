"""`/api/v1/applications/{name}/resource`: one live object patched, or deleted."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.inspecting import APPLICATION, object_of
from gitopsd.api.rest.query import flag
from gitopsd.errors import BadRequest
from gitopsd.model.edit import LiveDeletion, LivePatch, LivePatchType
from gitopsd.model.ids import AppName
from gitopsd.usecases.edits import EditUseCases


class EditRoutes:
    def __init__(self, edits: EditUseCases) -> None:
        self._edits = edits

    def routes(self) -> list[web.RouteDef]:
        path = f"{APPLICATION}/resource"
        return [web.post(path, self.patch), web.delete(path, self.delete)]

    async def patch(self, request: web.Request) -> web.Response:
        """Take the patch as Argo CD does, as a text of JSON; or as it is."""
        patch, query = _json(await request.read()), request.query
        wanted = live_patch(_json(patch) if isinstance(patch, str) else patch, query.get("patchType", ""))
        name = AppName(request.match_info["name"])
        live = await self._edits.patch(caller_of(request), name, object_of(query), wanted)
        return answer({"manifest": orjson.dumps(live).decode()})

    async def delete(self, request: web.Request) -> web.Response:
        query = request.query
        deletion = LiveDeletion(flag(query, "force", default=False), flag(query, "orphan", default=False))
        name = AppName(request.match_info["name"])
        await self._edits.delete(caller_of(request), name, object_of(query), deletion)
        return answer({})


def live_patch(patch: Any, media_type: str) -> LivePatch:
    """Return what is asked of a live object; without a type it is a merge patch. Raises BadRequest."""
    try:
        return LivePatch(LivePatchType(media_type) if media_type else LivePatchType.MERGE, patch)
    except ValueError:
        known = ", ".join(kind.value for kind in LivePatchType)
        raise BadRequest(f"patchType is {media_type[:60]!r}", remedy=f"write one of {known}") from None


def live_patch_of(text: str, media_type: str) -> LivePatch:
    """Return what is asked of a live object, whose patch is JSON. Raises BadRequest."""
    return live_patch(_json(text), media_type)


def _json(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise BadRequest(f"the patch is not JSON: {err}", remedy="send JSON") from err

"""`/api/v1/applications/{name}/resource/actions`: what can be done to one live object, and one action that is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from gitopsd.api.answers import answer, body_of
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.inspecting import APPLICATION, object_of
from gitopsd.api.rest.query import text_of
from gitopsd.errors import BadRequest
from gitopsd.model.action import ObjectAction
from gitopsd.model.ids import AppName
from gitopsd.usecases.actions import ActionUseCases
from gitopsd.usecases.tree_objects import ObjectName

PARAMS = "resourceActionParameters"


class ActionRoutes:
    def __init__(self, actions: ActionUseCases) -> None:
        self._actions = actions

    def routes(self) -> list[web.RouteDef]:
        path = f"{APPLICATION}/resource/actions"
        return [web.get(path, self.list), web.post(path, self.run), web.post(f"{path}/v2", self.run_with_params)]

    async def list(self, request: web.Request) -> web.Response:
        offered = await self._actions.list(caller_of(request), _name(request), object_of(request.query))
        return answer(actions_json(offered))

    async def run(self, request: web.Request) -> web.Response:
        """Take the action as Argo CD's first form has it: a text of JSON, and all else in the query."""
        try:
            action = orjson.loads(await request.read())
        except orjson.JSONDecodeError as err:
            raise BadRequest(f"the body is not JSON: {err}", remedy="send the action's name in quotes") from err
        if not isinstance(action, str):
            raise BadRequest("the body is not a text", remedy="send the action's name in quotes")
        await self._actions.run(caller_of(request), _name(request), object_of(request.query), action, {})
        return answer({})

    async def run_with_params(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        wanted = ObjectName(*(text_of(body, part) for part in ("kind", "resourceName", "namespace", "group")))
        params = _params(body.get(PARAMS))
        await self._actions.run(caller_of(request), _name(request), wanted, text_of(body, "action"), params)
        return answer({})


def actions_json(offered: Sequence[ObjectAction]) -> dict[str, Any]:
    """Return actions as Argo CD's ResourceActionsListResponse."""
    return {"actions": [_action(action) for action in offered]}


def _action(action: ObjectAction) -> dict[str, Any]:
    fields = {
        "iconClass": action.icon,
        "displayName": action.display_name,
        "params": [{"name": name} for name in action.params],
    }
    return {"name": action.name, "disabled": action.disabled, **{key: value for key, value in fields.items() if value}}


def _params(items: Any) -> Mapping[str, str]:
    if not isinstance(items or [], list):
        raise BadRequest(f"{PARAMS} is not a list", remedy="give name and value of each")
    params = {}
    for item in items or []:
        name, value = (item.get("name"), item.get("value")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            raise BadRequest(f"an entry of {PARAMS} has no name or no value", remedy="give both as texts")
        params[name] = value
    return params


def _name(request: web.Request) -> AppName:
    return AppName(request.match_info["name"])

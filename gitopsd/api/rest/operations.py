"""`/api/v1/applications/{name}/…`: sync, rollback, terminate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer, body_of, written
from gitopsd.api.argocd_json import results_json, sync_json
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.show import Show
from gitopsd.core.target.sync_options import listed, parse_options
from gitopsd.core.text.duration import go_duration
from gitopsd.errors import BadRequest, NotSupported
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import SyncRequest
from gitopsd.model.project import SyncWindow
from gitopsd.usecases.operations import OperationUseCases, WindowsView

MAX_RESOURCES = 10_000
MAX_OPTIONS = 50
DONE = frozenset({"revision", "revisions", "prune", "dryRun", "resources", "strategy", "syncOptions"})
NAMING = frozenset({"name", "appNamespace", "project"})  # say again which application is meant
ROLLBACK = frozenset({"id", "prune", "dryRun"})
_KEY = ("group", "kind", "namespace", "name")


class OperationRoutes:
    def __init__(self, operations: OperationUseCases, show: Show) -> None:
        self._operations = operations
        self._show = show

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/applications/{name}/sync", self.sync),
            web.post("/api/v1/applications/{name}/rollback", self.rollback),
            web.delete("/api/v1/applications/{name}/operation", self.terminate),
            web.post("/api/v1/applications/{name}/confirm-deletion", self.confirm),
            web.get("/api/v1/applications/{name}/syncwindows", self.windows),
            web.get("/api/v1/applications/{name}/syncs", self.syncs),
            web.get(r"/api/v1/applications/{name}/syncs/{id:\d{1,15}}", self.one_sync),
        ]

    async def sync(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        view = await self._operations.sync(caller_of(request), _name(request), sync_request(body))
        return written(self._show.application(view), ignored(body, DONE))

    async def rollback(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        options = SyncRequest(prune=_bool(body, "prune"), dry_run=_bool(body, "dryRun"))
        view = await self._operations.rollback(caller_of(request), _name(request), _history_id(body), options)
        return written(self._show.application(view), ignored(body, ROLLBACK))

    async def confirm(self, request: web.Request) -> web.Response:
        await self._operations.confirm(caller_of(request), _name(request))
        return answer({})

    async def windows(self, request: web.Request) -> web.Response:
        return answer(windows_json(self._operations.windows(caller_of(request), _name(request))))

    async def syncs(self, request: web.Request) -> web.Response:
        """Answer with all syncs of the history, failed ones too, the newest last."""
        history = self._operations.syncs(caller_of(request), _name(request))
        return answer({"items": [sync_json(entry) for entry in history]})

    async def one_sync(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        entry, tasks = self._operations.results(caller_of(request), _name(request), number)
        return answer({**sync_json(entry), "resources": results_json(tasks)})

    async def terminate(self, request: web.Request) -> web.Response:
        await self._operations.terminate(caller_of(request), _name(request))
        return answer({})


def _name(request: web.Request) -> AppName:
    return AppName(request.match_info["name"])


def windows_json(view: WindowsView) -> dict[str, Any]:
    """Return sync windows as Argo CD's ApplicationSyncWindowsResponse; `refusal` is ours."""
    return {
        "assignedWindows": [_window(window) for window in view.windows],
        "activeWindows": [_window(window) for window in view.opened],
        "canSync": not view.refusal,
        **({"refusal": view.refusal} if view.refusal else {}),
    }


def _window(window: SyncWindow) -> dict[str, Any]:
    return {
        "kind": window.kind,
        "schedule": window.schedule,
        "duration": go_duration(window.duration_s),
        "manualSync": window.manual,
        "timeZone": window.zone,
        "description": window.description,
    }


def sync_request(body: Mapping[str, Any]) -> SyncRequest:
    """Return what the body of Argo CD's sync request asks for; fields that are null count as absent.

    Raises:
        BadRequest: a field is of the wrong type.
        NotSupported: manifests of the caller's are to be synced instead of Git's.
    """
    if body.get("manifests"):
        raise NotSupported("a sync of local manifests", remedy="commit them: gitopsd applies what is in Git, only")
    hooks, force = _strategy(body)
    return SyncRequest(
        revisions=_revisions(body),
        prune=_bool(body, "prune"),
        dry_run=_bool(body, "dryRun"),
        resources=_resources(body),
        hooks=hooks,
        options=(*((("Force", "true"),) if force else ()), *_options(body)),
    )


def ignored(body: Mapping[str, Any], done: frozenset[str]) -> list[str]:
    """Return a warning for each field of `body` that is set and changes nothing here."""
    return [f"{name} is ignored" for name in sorted(body.keys() - done - NAMING) if body[name] not in (None, [], {})]


def _strategy(body: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether hooks are run, and whether what cannot be changed is made anew (Argo CD's SyncStrategy)."""
    strategy = _mapping(body, "strategy")
    unknown = strategy.keys() - {"apply", "hook"}
    if unknown or len(strategy) > 1:
        raise BadRequest("strategy names neither apply nor hook, or both", remedy="write one of the two, or none")
    apply, hook = _mapping(strategy, "apply"), _mapping(strategy, "hook")
    force = _bool(apply, "force") or _bool(hook, "force") or _bool(_mapping(hook, "syncStrategyApply"), "force")
    return strategy.get("apply") is None, force


def _options(body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    items = _mapping(body, "syncOptions").get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items) or len(items) > MAX_OPTIONS:
        raise BadRequest("syncOptions.items is not a list of strings", remedy="write options as NAME=VALUE")
    options = {name: text for item in items for name, text in listed(item).items()}
    _, warnings = parse_options(options, subject="the request")
    if warnings:
        raise BadRequest("; ".join(warnings), remedy="see docs/sync.md for the sync options there are")
    return tuple(sorted(options.items()))


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} is no object", remedy="see Argo CD's ApplicationSyncRequest")
    return {key: item for key, item in value.items() if item is not None}


def _revisions(body: Mapping[str, Any]) -> tuple[str, ...]:
    several = body.get("revisions") or []
    one = body.get("revision") or ""
    if not isinstance(several, list) or not all(isinstance(revision, str) for revision in several):
        raise BadRequest("revisions is not a list of strings", remedy="write one revision for each source")
    if not isinstance(one, str):
        raise BadRequest("revision is not a string", remedy="write a branch, a tag or a commit")
    return tuple(several) or ((one,) if one else ())


def _resources(body: Mapping[str, Any]) -> tuple[ResourceKey, ...]:
    resources = body.get("resources") or []
    if not isinstance(resources, list) or len(resources) > MAX_RESOURCES:
        raise BadRequest("resources is not a list, or too long", remedy=f"name at most {MAX_RESOURCES} objects")
    return tuple(_resource(resource) for resource in resources)


def _resource(resource: Any) -> ResourceKey:
    parts = [resource.get(part) or "" for part in _KEY] if isinstance(resource, dict) else []
    if not parts or not all(isinstance(part, str) for part in parts) or not (parts[1] and parts[3]):
        raise BadRequest("an entry of resources names no object", remedy="give group, kind, namespace and name")
    return ResourceKey(*parts)


def _bool(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{name} is {value!r}", remedy="write true or false")
    return bool(value)


def _history_id(body: Mapping[str, Any]) -> int:
    value = body.get("id")
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)  # an int64 of protobuf is a string in JSON
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise BadRequest("id is not one of the history", remedy="see status.history of the application")

"""`/api/v1/repositories`: each repository, the age of its epoch, and the error of its last fetch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer, body_of
from gitopsd.api.logins import caller_of
from gitopsd.core.text.times import rfc3339
from gitopsd.errors import BadRequest
from gitopsd.model.chart import type_of
from gitopsd.model.ids import AppName
from gitopsd.usecases.backend import RepositoryState, SourceDetails
from gitopsd.usecases.repositories import RepositoryUseCases
from gitopsd.words import without_credentials


class RepositoryRoutes:
    def __init__(self, repositories: RepositoryUseCases, now_s: Callable[[], float]) -> None:
        self._repositories = repositories
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/repositories", self.list),
            web.post("/api/v1/repositories/{source:.+}/appdetails", self.details),
        ]

    async def list(self, request: web.Request) -> web.Response:
        states = self._repositories.list(caller_of(request))
        return answer({"metadata": {}, "items": [repository_json(state, self._now_s()) for state in states]})

    async def details(self, request: web.Request) -> web.Response:
        """Answer with what a source of the application `appName` is; where it reads is as declared, never as asked."""
        body = await body_of(request)
        name, index = body.get("appName"), body.get("sourceIndex") or 0
        if not isinstance(name, str) or not name or not isinstance(index, int) or isinstance(index, bool):
            raise BadRequest("appName is missing, or sourceIndex is no number", remedy="name a declared application")
        repo = request.match_info["source"]
        return answer(details_json(await self._repositories.details(caller_of(request), repo, AppName(name), index)))


def details_json(source: SourceDetails) -> dict[str, Any]:
    """Return what a source is as Argo CD's RepoAppDetailsResponse, as far as plugins go."""
    plugin = {"plugin": {"parametersAnnouncement": list(source.announced)}} if source.type == "Plugin" else {}
    return {"type": source.type, **plugin}


def repository_json(state: RepositoryState, now_s: float) -> dict[str, Any]:
    """Return a repository as Argo CD's Repository; `gitopsd` holds the epoch and its age."""
    heard = "Unknown" if state.fetched_s is None else "Successful"
    return {
        "repo": without_credentials(state.url),
        "type": type_of(state.url),
        "connectionState": {
            "status": "Failed" if state.error else heard,
            "message": without_credentials(state.error),
            "attemptedAt": rfc3339(state.fetched_s),
        },
        "gitopsd": {
            "epoch": state.epoch,
            "epochAgeSeconds": None if state.fetched_s is None else round(max(0.0, now_s - state.fetched_s), 1),
            "sizeBytes": state.size_bytes,
        },
    }

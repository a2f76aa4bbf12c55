"""`/api/v1/repositories`: each repository, the age of its epoch, and the error of its last fetch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.backend import Backend, RepositoryState
from gitopsd.core.argo_json import rfc3339
from gitopsd.core.repo_url import without_credentials
from gitopsd.model.chart import type_of


class Repositories:
    def __init__(self, backend: Backend, now_s: Callable[[], float]) -> None:
        self._backend = backend
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/repositories", self.list)]

    async def list(self, _: web.Request) -> web.Response:
        states = sorted(self._backend.repositories(), key=lambda state: state.url)
        return answer({"metadata": {}, "items": [repository_json(state, self._now_s()) for state in states]})


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

"""`/api/v1/audit`: who did what through the API, the newest first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.backend import Backend
from gitopsd.api.rest.query import whole_number
from gitopsd.core.text.times import rfc3339
from gitopsd.model.audit import AuditEntry

DEFAULT_LIMIT, MOST = 100, 1000


class AuditRoutes:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/audit", self.list)]

    async def list(self, request: web.Request) -> web.Response:
        limit = min(whole_number(request.query, "limit") or DEFAULT_LIMIT, MOST)
        before = whole_number(request.query, "continue")
        entries = self._backend.audited(app=request.query.get("application", ""), before=before, newest=limit)
        full = len(entries) == limit
        return answer(
            {
                "metadata": {"continue": str(entries[-1].id)} if full else {},
                "items": [_entry(entry) for entry in entries],
            }
        )


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at_s),
        "username": entry.who,
        "verb": entry.what,
        "application": entry.app,
        "detail": entry.detail,
    }

"""`/api/v1/audit`: who did what through the API, the newest first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import continued, whole_number
from gitopsd.core.text.times import rfc3339
from gitopsd.model.audit import AuditEntry
from gitopsd.usecases.records import AuditUseCases

DEFAULT_LIMIT, MOST = 100, 1000


class AuditRoutes:
    def __init__(self, audit: AuditUseCases) -> None:
        self._audit = audit

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/audit", self.list)]

    async def list(self, request: web.Request) -> web.Response:
        limit = min(whole_number(request.query, "limit") or DEFAULT_LIMIT, MOST)
        before = whole_number(request.query, "continue")
        app = request.query.get("application", "")
        page = self._audit.list(caller_of(request), app=app, before=before, limit=limit)
        return answer({"metadata": continued(page), "items": [_entry(entry) for entry in page.records]})


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at_s),
        "username": entry.who,
        "verb": entry.what,
        "application": entry.app,
        "detail": entry.detail,
    }

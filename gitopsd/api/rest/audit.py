"""`/api/v1/audit`: who did what through the API, the newest first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import continued, time_of, whole_number
from gitopsd.core.text.times import rfc3339
from gitopsd.model.audit import AuditEntry, AuditQuery
from gitopsd.usecases.records import AuditUseCases

DEFAULT_LIMIT, MOST = 100, 1000


class AuditRoutes:
    def __init__(self, audit: AuditUseCases) -> None:
        self._audit = audit

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/audit", self.list)]

    async def list(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = AuditQuery(
            query.get("application", ""),
            query.get("username", ""),
            time_of(query, "since"),
            whole_number(query, "continue"),
            min(whole_number(query, "limit") or DEFAULT_LIMIT, MOST),
        )
        page = self._audit.list(caller_of(request), wanted)
        return answer({"metadata": continued(page), "items": [_entry(entry) for entry in page.records]})


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at_s),
        "username": entry.who,
        "verb": entry.what,
        "application": entry.app,
        "detail": entry.detail,
        "address": entry.address,
        "signIn": entry.sign_in,
        "right": entry.right,
        "result": entry.result.value,
        **{name: text for name, text in (("before", entry.before), ("after", entry.after)) if text},
    }

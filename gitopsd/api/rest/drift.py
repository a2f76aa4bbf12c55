"""`/api/v1/drift`: the ledger of what was changed in clusters behind Git's back, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from gitopsd.api.answers import answer
from gitopsd.api.argocd_json import writer_json
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import continued, flag, whole_number
from gitopsd.core.text.duration import go_duration_s
from gitopsd.core.text.times import rfc3339
from gitopsd.errors import BadRequest
from gitopsd.model.drift import Drift, DriftQuery, WriterClass
from gitopsd.usecases.records import DriftUseCases

DEFAULT_LIMIT, MOST = 100, 1000
DAY_S = 86400.0


class DriftRoutes:
    def __init__(self, drift: DriftUseCases, now_s: Callable[[], float]) -> None:
        self._drift = drift
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/drift", self.list), web.get("/api/v1/drift/{id:[0-9]{1,15}}", self.get)]

    async def list(self, request: web.Request) -> web.Response:
        page = await self._drift.list(caller_of(request), query_of(request.query, self._now_s()))
        items = [drift_json(entry, self._now_s()) for entry in page.records]
        return answer({"metadata": continued(page), "items": items})

    async def get(self, request: web.Request) -> web.Response:
        entry = await self._drift.get(caller_of(request), int(request.match_info["id"]))
        return answer(drift_json(entry, self._now_s()))


def drift_json(entry: Drift, now_s: float) -> dict[str, Any]:
    """Return one entry; `durationSeconds` is until now where it is so still."""
    key = entry.key
    ended_s = entry.ended_s if entry.ended_s is not None else now_s
    return {
        "id": entry.id,
        "application": entry.app,
        "cluster": entry.cluster,
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "path": entry.path,
        "old": entry.old,
        "new": entry.new,
        "class": entry.by.value,
        "writer": entry.writer,
        "writers": [writer_json(writer) for writer in entry.writers],
        "beganAt": rfc3339(entry.began_s),
        "endedAt": rfc3339(entry.ended_s),
        "durationSeconds": round(max(0.0, ended_s - entry.began_s), 3),
        "end": entry.end.value if entry.end else "",
        "operation": entry.operation,
    }


def query_of(query: MultiMapping[str], now_s: float) -> DriftQuery:
    """Read the filters; raises BadRequest where one is not what it should be."""
    limit = whole_number(query, "limit") or DEFAULT_LIMIT
    return DriftQuery(
        app=query.get("application", ""),
        cluster=query.get("cluster", ""),
        writer=query.get("writer", ""),
        by=_class(query.get("class", "")),
        since_s=_time_s(query, "since", now_s),
        until_s=_time_s(query, "until", now_s),
        open=flag(query, "open", default=False),
        before=whole_number(query, "continue"),
        limit=min(limit, MOST),
    )


def _class(text: str) -> WriterClass | None:
    try:
        return WriterClass(text) if text else None
    except ValueError:
        classes = ", ".join(member.value for member in WriterClass)
        raise BadRequest(f"class is {text!r}", remedy=f"write one of {classes}") from None


def _time_s(query: MultiMapping[str], name: str, now_s: float) -> float | None:
    """Return a time of the query, as RFC 3339 or as how long ago: "90m", "36h", "7d"."""
    text = query.get(name, "")
    if not text:
        return None
    days = text.removesuffix("d")
    ago_s = int(days) * DAY_S if text != days and days.isdecimal() and len(days) < 6 else go_duration_s(text)  # noqa: PLR2004 - 270 years
    if ago_s is not None:
        return now_s - ago_s
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        remedy = "write a time as 2026-01-31T12:00:00Z, or how long ago, as 90m, 36h or 7d"
        raise BadRequest(f"{name} is {text!r}", remedy=remedy) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

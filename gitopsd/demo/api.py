"""The demo daemon's API: what is synced where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from gitopsd.errors import Retryable


class ApiAway(Retryable):
    """The daemon's API does not answer, yet or any more."""


@dataclass(frozen=True, slots=True)
class AppState:
    name: str
    cluster: str
    namespace: str
    sync: str
    health: str
    revision: str
    condition: str  # the first, with its remedy; "" where there is none

    @property
    def good(self) -> bool:
        return self.sync == "Synced" and self.health == "Healthy"


@dataclass(frozen=True, slots=True)
class Api:
    session: aiohttp.ClientSession

    async def apps(self) -> Sequence[AppState]:
        """Return all applications by name; raises ApiAway where there is no answer."""
        try:
            async with self.session.get("/api/v1/applications") as answer:
                if not answer.ok:
                    raise ApiAway(f"the daemon's API answers {answer.status}", remedy="see its log")
                document = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as err:
            raise ApiAway(f"the daemon's API does not answer: {err}", remedy="see its log") from err
        return tuple(_state(app) for app in document["items"])


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(
        url, headers={"Authorization": f"Bearer {token}"}, timeout=aiohttp.ClientTimeout(total=30)
    ) as session:
        yield Api(session)


def _state(app: Mapping[str, Any]) -> AppState:
    spec, status = app.get("spec", {}), app.get("status", {})
    destination = spec.get("destination", {})
    conditions = status.get("conditions") or [{}]
    return AppState(
        app["metadata"]["name"],
        destination.get("name", ""),
        destination.get("namespace", ""),
        status.get("sync", {}).get("status", "Unknown"),
        status.get("health", {}).get("status", "Unknown"),
        status.get("sync", {}).get("revision", ""),
        conditions[0].get("message", ""),
    )

"""`/api/v1/clusters`: each cluster, how fresh what is known of it is, and what of it cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.logins import caller_of
from gitopsd.core.text.times import rfc3339
from gitopsd.model.cluster import WatchState
from gitopsd.usecases.backend import ClusterState
from gitopsd.usecases.clusters import ClusterUseCases


class ClusterRoutes:
    def __init__(self, clusters: ClusterUseCases, now_s: Callable[[], float]) -> None:
        self._clusters = clusters
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/clusters", self.list)]

    async def list(self, request: web.Request) -> web.Response:
        states = self._clusters.list(caller_of(request))
        return answer({"metadata": {}, "items": [cluster_json(state, self._now_s()) for state in states]})


def cluster_json(state: ClusterState, now_s: float) -> dict[str, Any]:
    """Return a cluster as Argo CD's Cluster.

    Of ours are the kinds that cannot be read, in `info.cacheInfo.failing`, every watch, in `watches` beside that, and
    what is odd about its lease, in `info.lease`.
    """
    status, message = _connection(state)
    connection = {"status": status, "message": message, "attemptedAt": rfc3339(now_s)}
    heard_s = now_s - state.age.oldest_s if state.age and state.age.synced else None
    return {
        "name": state.name,
        "server": state.server,
        "serverVersion": state.version,
        "connectionState": connection,
        "info": {
            "serverVersion": state.version,
            "applicationsCount": state.applications,
            "connectionState": connection,
            **({"lease": state.lease} if state.lease else {}),
            "cacheInfo": {
                "apisCount": state.apis,
                "resourcesCount": state.objects,
                "lastCacheSyncTime": rfc3339(heard_s),
                "failing": [{"kind": str(gvk), "message": error} for gvk, error in state.age.failing]
                if state.age
                else [],
                "watches": [_watch(watch, now_s) for watch in state.watches],
            },
        },
    }


def _watch(watch: WatchState, now_s: float) -> dict[str, Any]:
    state: dict[str, Any] = {
        "kind": str(watch.gvk),
        "resourcesCount": watch.objects,
        "lastHeardAt": rfc3339(now_s - watch.age_s),
    }
    if watch.namespace:
        state["namespace"] = watch.namespace
    if watch.error_age_s is not None:
        state |= {"lastError": watch.error, "lastErrorAt": rfc3339(now_s - watch.error_age_s)}
    return state


def _connection(state: ClusterState) -> tuple[str, str]:
    """Return Argo CD's word for how the connection is, and what there is to say."""
    if state.age is None:
        return "Unknown", "no watch runs yet"
    if state.age.error:
        return "Failed", state.age.error
    return ("Successful", "") if state.age.synced else ("Unknown", "the first lists are under way")

"""`/api/v1/applications/{name}/…`: one live object, its events, and logs as a stream of JSON lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web
from multidict import MultiMapping

from gitopsd.api.answers import answer
from gitopsd.api.events import SSE, StreamClient
from gitopsd.api.logins import caller_of, presented_token
from gitopsd.api.rest.query import flag, whole_number
from gitopsd.errors import GitopsError, TooSlow
from gitopsd.model.ids import AppName
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.usecases.authentication import Authenticator, StreamHolder
from gitopsd.usecases.inspecting import InspectingUseCases
from gitopsd.usecases.tree_objects import ObjectName

APPLICATION = "/api/v1/applications/{name}"
LOGS = (f"{APPLICATION}/logs", f"{APPLICATION}/pods/{{pod}}/logs")
LIFE_S = 900.0  # of a stream of logs; its client opens it anew
WRITE_S = 20.0  # for a client to take anything


class InspectingRoutes:
    def __init__(self, inspecting: InspectingUseCases, authenticator: Authenticator) -> None:
        self._inspecting = inspecting
        self._authenticator = authenticator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{APPLICATION}/resource", self.object),
            web.get(f"{APPLICATION}/events", self.events),
            *(web.get(path, self.logs) for path in LOGS),
        ]

    async def object(self, request: web.Request) -> web.Response:
        live = await self._inspecting.object(caller_of(request), _name(request), object_of(request.query))
        return answer({"manifest": orjson.dumps(live).decode()})

    async def events(self, request: web.Request) -> web.Response:
        return answer(await self._inspecting.events(caller_of(request), _name(request), object_of(request.query)))

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Stream `{"result": {"content", "timeStamp", "podName", "last"}}`, as Argo CD does; the last one says so."""
        query, wanted = log_query(request.query), _pod(request)
        clock = asyncio.get_running_loop().time
        holder = StreamHolder(self._authenticator, presented_token(request), request.remote or "", clock)
        async with self._inspecting.logs(holder, _name(request), wanted, query) as lines:
            return await self._told(request, lines)

    async def _told(self, request: web.Request, lines: AsyncIterator[LogLine]) -> web.StreamResponse:
        sse = SSE in request.headers.get("Accept", "")
        response = web.StreamResponse(headers={"Content-Type": SSE if sse else "application/json"})
        await response.prepare(request)
        client, last = StreamClient(response, sse=sse, write_s=WRITE_S), LogLine("", "", "")
        try:
            async with asyncio.timeout(LIFE_S):
                async for last in lines:
                    await client.send({"result": log_json(last, last=False)})
            await client.send({"result": log_json(LogLine(last.pod, "", last.time), last=True)})
        except (TooSlow, TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
        except GitopsError as err:  # the cluster went away in the middle
            await client.send({"error": {"grpc_code": 14, "http_code": 503, "message": err.what}})
        return response


def log_query(query: MultiMapping[str]) -> LogQuery:
    """Read what is asked of a log; raises BadRequest where it is not what it should be."""
    since_s = whole_number(query, "sinceSeconds")
    return LogQuery(
        query.get("container", ""),
        whole_number(query, "tailLines"),
        since_s or None,
        previous=flag(query, "previous", default=False),
        follow=flag(query, "follow", default=False),
        contains=query.get("filter", ""),
        match_case=flag(query, "matchCase", default=False),
        since=query.get("sinceTime", ""),
        until=query.get("untilTime", ""),
    )


def log_json(line: LogLine, *, last: bool) -> dict[str, Any]:
    """Return a line as Argo CD's LogEntry."""
    times = {"timeStamp": line.time or None, "timeStampStr": line.time}
    return {"content": line.text, **times, "podName": line.pod, "last": last}


def _pod(request: web.Request) -> ObjectName:
    pod = request.match_info.get("pod") or request.query.get("podName", "")
    if pod:
        return ObjectName("Pod", pod, request.query.get("namespace", ""))
    return object_of(request.query)


def object_of(query: MultiMapping[str]) -> ObjectName:
    """Return which object of an application a query names."""
    return ObjectName(
        query.get("kind", ""),
        query.get("resourceName", ""),
        query.get("namespace", "") or query.get("resourceNamespace", ""),
        query.get("group", ""),
        query.get("resourceUID", ""),
    )


def _name(request: web.Request) -> AppName:
    return AppName(request.match_info["name"])

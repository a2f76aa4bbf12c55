"""`application.ApplicationService`: the methods about single live objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gitopsd.api.grpc.applications import SERVICE, meant
from gitopsd.api.grpc.convert import SAID, message_of
from gitopsd.api.grpc.methods import Json, Methods, MethodTable, Shown, Verb
from gitopsd.api.grpc.schema import message_class
from gitopsd.api.rest.actions import PARAMS, actions_json
from gitopsd.api.rest.edits import live_patch_of
from gitopsd.api.rest.inspecting import log_json
from gitopsd.model.caller import Caller
from gitopsd.model.edit import LiveDeletion
from gitopsd.model.ids import AppName
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.tree_objects import ObjectName
from gitopsd.usecases.wiring import UseCases


@dataclass(frozen=True, slots=True)
class ObjectMethods:
    uses: UseCases

    def methods(self, table: MethodTable) -> Methods:
        unary: dict[str, Verb] = {
            "GetResource": self.object,
            "PatchResource": self.patch,
            "DeleteResource": self.delete,
            "ListResourceEvents": self.events,
            "ListResourceActions": self.actions,
            "RunResourceAction": self.run_action,
            "RunResourceActionV2": self.run_action,
        }
        return {**table.known(SERVICE, unary), **table.streamed(SERVICE, {"PodLogs": self.logs})}

    async def object(self, caller: Caller, request: Any) -> Json:
        live = await self.uses.inspecting.object(caller, self._meant(caller, request), _named(request))
        return {"manifest": orjson.dumps(live).decode()}

    async def patch(self, caller: Caller, request: Any) -> Json:
        name, patch = self._meant(caller, request), live_patch_of(request.patch, request.patchType)
        live = await self.uses.edits.patch(caller, name, _named(request), patch)
        return {"manifest": orjson.dumps(live).decode()}

    async def delete(self, caller: Caller, request: Any) -> Json:
        deletion = LiveDeletion(request.force, request.orphan)
        await self.uses.edits.delete(caller, self._meant(caller, request), _named(request), deletion)
        return {}

    async def events(self, caller: Caller, request: Any) -> Json:
        wanted = ObjectName(name=request.resourceName, namespace=request.resourceNamespace, uid=request.resourceUID)
        return await self.uses.inspecting.events(caller, self._meant(caller, request), wanted)

    async def actions(self, caller: Caller, request: Any) -> Json:
        return actions_json(await self.uses.actions.list(caller, self._meant(caller, request), _named(request)))

    async def run_action(self, caller: Caller, request: Any) -> Json:
        """Run an action; only the second form of the request has parameters."""
        params = {param.name: param.value for param in getattr(request, PARAMS, ())}
        await self.uses.actions.run(caller, self._meant(caller, request), _named(request), request.action, params)
        return {}

    async def logs(self, holder: StreamHolder, request: Any) -> AsyncGenerator[Shown]:
        """Tell lines of logs, and then one that is the last."""
        if (caller := holder.caller()) is None:
            return
        name, last, wanted = self._meant(caller, request), LogLine("", "", ""), _named(request)
        if request.podName:
            wanted = ObjectName("Pod", request.podName, request.namespace)
        async with self.uses.inspecting.logs(holder, name, wanted, _log_query(request)) as lines:
            async for last in lines:
                yield _log_entry(log_json(last, last=False))
        yield _log_entry(log_json(LogLine(last.pod, "", last.time), last=True))

    def _meant(self, caller: Caller, request: Any) -> AppName:
        return meant(self.uses, caller, request.name, request)


def _named(request: Any) -> ObjectName:
    return ObjectName(request.kind, request.resourceName, request.namespace, request.group)


def _log_query(request: Any) -> LogQuery:
    return LogQuery(
        request.container,
        request.tailLines if request.HasField("tailLines") else None,
        request.sinceSeconds or None,
        previous=request.previous,
        follow=request.follow,
        contains=request.filter,
        match_case=request.matchCase,
        since=SAID["Time"](request.sinceTime) or "",
        until=request.untilTime,
    )


def _log_entry(document: Json) -> Shown:
    entry: Any = message_of(message_class("application.LogEntry"), document)
    entry.timeStamp.SetInParent()  # clients want it, also where a line has none
    return cast(Shown, entry)

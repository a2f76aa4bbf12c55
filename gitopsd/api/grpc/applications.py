"""`application.ApplicationService`: applications, their syncs, and what they consist of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, cast

from cachetools import LRUCache
from google.protobuf.json_format import MessageToDict

from gitopsd.api.argocd_json import shown
from gitopsd.api.grpc.convert import json_of, message_of
from gitopsd.api.grpc.methods import Json, Methods, MethodTable, Shown
from gitopsd.api.grpc.schema import message_class
from gitopsd.api.rest.applications import AT_ONCE, patch_of, refresh_of
from gitopsd.api.rest.operations import sync_request, windows_json
from gitopsd.api.rest.resources import managed_json, manifests_json, tree_json
from gitopsd.api.rest.show import document_of, same_view
from gitopsd.core.target.sync_options import DELETION_APPROVED
from gitopsd.errors import NotFound
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.backend import AppView
from gitopsd.usecases.listing import Filters, ListPage
from gitopsd.usecases.selector import selector
from gitopsd.usecases.wiring import UseCases

SERVICE = "application.ApplicationService"
KEPT_BYTES = 16 << 20  # about 10,000 applications of ten objects
ITEMS = b"\x12"  # the tag of ApplicationList.items
BEAT_S = 5.0  # between two looks at a resource tree that nothing tells of


class WrittenApplications:
    """Writes applications as messages; what was written is kept until the application is published anew."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: LRUCache[AppName, tuple[AppView, bytes]] = LRUCache(KEPT_BYTES, getsizeof=lambda kept: len(kept[1]))
        self._kind = message_class("argocd.Application")

    def application(self, view: AppView) -> bytes:
        name = view.application.name
        kept = self._kept.get(name)
        if kept is None or not same_view(kept[0], view):
            kept = (view, message_of(self._kind, document_of(view, self._now_s())).SerializeToString())
            if len(kept[1]) <= KEPT_BYTES:
                self._kept[name] = kept
        return kept[1]


@dataclass(frozen=True, slots=True)
class ApplicationService:
    uses: UseCases
    written: WrittenApplications

    def methods(self, table: MethodTable) -> Methods:
        unary = table.known(
            SERVICE,
            {
                "List": self.list,
                "Get": self.get,
                "Create": self.create,
                "Update": self.update,
                "UpdateSpec": self.update_spec,
                "Patch": self.patch,
                "Delete": self.delete,
                "Sync": self.sync,
                "Rollback": self.rollback,
                "TerminateOperation": self.terminate,
                "GetApplicationSyncWindows": self.windows,
                "GetManifests": self.manifests,
                "ManagedResources": self.managed,
                "ResourceTree": self.tree,
            },
        )
        streams = table.streamed(SERVICE, {"Watch": self.watch, "WatchResourceTree": self.watch_tree})
        return {**unary, **streams}

    async def list(self, caller: Caller, request: Any) -> bytes:
        parts = []
        for index, view in enumerate(self.uses.applications.list(caller, _filters(request), ListPage()).views):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # a long list must not hold the loop
            text = self.written.application(view)
            parts += [ITEMS, _varint(len(text)), text]
        return b"".join(parts)

    async def get(self, caller: Caller, request: Any) -> bytes:
        name = self._meant(caller, request.name, request)
        return self.written.application(await self.uses.applications.get(caller, name, refresh_of(request.refresh)))

    async def create(self, caller: Caller, request: Any) -> bytes:
        options = {name: _set(request, name, default=name == "validate") for name in ("upsert", "validate")}
        return self.written.application(self.uses.declaring.create(caller, json_of(request.application), **options))

    async def update(self, caller: Caller, request: Any) -> bytes:
        """Declare an application anew; the approval of deletions, an annotation there, is for all of them."""
        asked = request.application
        view = await self.uses.applications.get(caller, AppName(asked.metadata.name))
        seen: Any = message_class("argocd.Application").FromString(self.written.application(view))
        approved = asked.metadata.annotations.pop(DELETION_APPROVED, "")
        seen.metadata.annotations.pop(DELETION_APPROVED, "")
        if approved and (asked.spec, asked.metadata) == (seen.spec, seen.metadata):
            await self.uses.operations.confirm(caller, view.application.name)
            return self.written.application(view)
        changed = self.uses.declaring.update(
            caller, view.application.name, json_of(asked), validate=_set(request, "validate", default=True)
        )
        return self.written.application(changed)

    async def update_spec(self, caller: Caller, request: Any) -> Json:
        name, validate = self._meant(caller, request.name, request), _set(request, "validate", default=True)
        view = self.uses.declaring.update_spec(caller, name, json_of(request.spec), validate=validate)
        return cast(Json, shown(view.application.manifest["spec"]))

    async def patch(self, caller: Caller, request: Any) -> bytes:
        patch, kind = patch_of(request.patch, request.patchType)
        name = self._meant(caller, request.name, request)
        return self.written.application(self.uses.declaring.patch(caller, name, patch, kind))

    async def delete(self, caller: Caller, request: Any) -> Json:
        cascade = _set(request, "cascade", default=True)
        await self.uses.applications.delete(caller, self._meant(caller, request.name, request), cascade=cascade)
        return {}

    async def sync(self, caller: Caller, request: Any) -> bytes:
        name = self._meant(caller, request.name, request)
        asked = sync_request(MessageToDict(request, preserving_proto_field_name=True))
        return self.written.application(await self.uses.operations.sync(caller, name, asked))

    async def rollback(self, caller: Caller, request: Any) -> bytes:
        name = self._meant(caller, request.name, request)
        options = SyncRequest(prune=request.prune, dry_run=request.dryRun)
        return self.written.application(await self.uses.operations.rollback(caller, name, request.id, options))

    async def terminate(self, caller: Caller, request: Any) -> Json:
        await self.uses.operations.terminate(caller, self._meant(caller, request.name, request))
        return {}

    async def windows(self, caller: Caller, request: Any) -> Json:
        return windows_json(self.uses.operations.windows(caller, self._meant(caller, request.name, request)))

    async def manifests(self, caller: Caller, request: Any) -> Json:
        name = self._meant(caller, request.name, request)
        return manifests_json(await self.uses.resources.manifests(caller, name, request.revision))

    async def managed(self, caller: Caller, request: Any) -> Json:
        _, resources = await self.uses.resources.managed(caller, self._meant(caller, request.applicationName, request))
        items = [managed_json(resource) for resource in resources]
        asked = [(part, getattr(request, part)) for part in ("group", "kind", "namespace", "name", "version")]
        return {"items": [one for one in items if all(not value or one[part] == value for part, value in asked)]}

    async def tree(self, caller: Caller, request: Any) -> Json:
        return tree_json(self.uses.resources.tree(caller, self._meant(caller, request.applicationName, request)))

    async def watch(self, holder: StreamHolder, request: Any) -> AsyncGenerator[Shown]:
        filters, kind = _filters(request), message_class("argocd.ApplicationWatchEvent")
        with self.uses.watch.subscribe() as subscriber:
            async for events in self.uses.watch.applications(holder, filters, subscriber):
                for event in events:
                    gone = {"metadata": {"name": event.name}}
                    text = self.written.application(event.view) if event.view else _application(gone)
                    yield kind(type=event.kind.value, application=message_class("argocd.Application").FromString(text))

    async def watch_tree(self, holder: StreamHolder, request: Any) -> AsyncGenerator[Shown]:
        """Tell the tree at first and when it has changed."""
        if (caller := holder.caller()) is None:
            return
        name = self._meant(caller, request.applicationName, request)
        last: bytes | None = None  # an empty tree has no bytes
        with self.uses.watch.subscribe() as subscriber:
            async for tree in self.uses.resources.trees(holder, name, subscriber):
                message = message_of(message_class("argocd.ApplicationTree"), tree_json(tree))
                text = message.SerializeToString(deterministic=True)
                if text != last:
                    last = text
                    yield text

    def _meant(self, caller: Caller, name: str, request: Any) -> AppName:
        return meant(self.uses, caller, name, request)


def meant(uses: UseCases, caller: Caller, name: str, request: Any) -> AppName:
    """Return the application that is named; one of another project or namespace is none. Raises NotFound."""
    app = uses.applications.access.known(caller, AppName(name))
    projects = {request.project} if isinstance(request.project, str) else {*request.projects, *request.project}
    namespaces = {request.appNamespace, app.manifest.get("metadata", {}).get("namespace") or ""} - {""}
    if len(namespaces) > 1 or (projects - {""} and app.project not in projects):
        raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
    return app.name


def _application(document: Json) -> bytes:
    return message_of(message_class("argocd.Application"), document).SerializeToString()


def _set(request: Any, name: str, *, default: bool) -> bool:
    return bool(getattr(request, name)) if request.HasField(name) else default


def _filters(request: Any) -> Filters:
    return Filters(
        labels=selector(request.selector),
        name=request.name,
        repo=request.repo,
        projects=frozenset([*request.projects, *request.project]),
    )


def _varint(number: int) -> bytes:
    """Return a length as protobuf writes it."""
    parts = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)

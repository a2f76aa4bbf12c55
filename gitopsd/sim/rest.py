"""The HTTP face of a simulated cluster: paths, media types and query parameters to reads and writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gitopsd.sim import answers, deletes, discovery, watching
from gitopsd.sim.accept import DISCOVERY, FORMS, form_of, wants_metadata
from gitopsd.sim.access import Attempt, Authorizer
from gitopsd.sim.answers import Invalid, Overload, Refusal, Resource
from gitopsd.sim.deletes import Deletion
from gitopsd.sim.faults import Fault, Faults
from gitopsd.sim.incoming import RequestTarget, WriteOptions
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.list_options import EXACT, check_list, version_of
from gitopsd.sim.reading import PageRequest, View, chosen_of, listed
from gitopsd.sim.scales import Scales
from gitopsd.sim.selectors import selection
from gitopsd.sim.watching import Wish
from gitopsd.sim.writes import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Writes, Written

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OPTIONS = Resource("meta.k8s.io", "patchoptions", "PatchOptions")
_DISCOVERED = Resource("", "", "")
_API_SERVICES = ("apiregistration.k8s.io", "apiservices")
_YES = ("true", "1")
LOG = "sim.gitopsd.io/log"  # annotation: what the containers of a Pod have written
_JSON_TYPES = ("application/json", "application/octet-stream", "application/yaml")


@dataclass(slots=True)
class Rest:
    """Answers requests; one for each simulated cluster."""

    writes: Writes
    access: Authorizer
    faults: Faults
    version: Mapping[str, Any]  # what /version answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every refusal becomes a Status."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            headers = {"Retry-After": f"{refusal.retry_after_s}"} if refusal.retry_after_s else None
            return _json(refusal.status, refusal.code, headers)
        except Overload as overload:
            headers = {"Retry-After": f"{overload.retry_after_s}"}
            return web.Response(text=f"{overload}\n", status=429, headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path in ("/readyz", "/healthz", "/livez"):
            return web.Response(text="ok")
        user = self.access.user(request.headers.get("Authorization", ""))
        user = self.access.acting(user, request.headers.get("Impersonate-User", ""))
        if path == "/_sim/faults":
            return await self._order_faults(request, user)
        parts = path.strip("/").split("/")
        target = self._target(parts)
        if target is None:
            await self.faults.strike("discover", path, _DISCOVERED)
            form_of(request.headers.get("Accept", ""), DISCOVERY)
            return self._discover(request, parts)
        verb = self._verb(request, target)
        if target.subresource != "log":
            wants_metadata(request.headers.get("Accept", ""), listing=verb in ("list", "deletecollection"))
        where = target.namespace if target.kind.namespaced else ""
        self.access.check(user, Attempt(verb, target.kind.resource, target.subresource, where, target.name))
        if verb == "watch":
            return await self._watch(request, target)
        await self.faults.strike(verb, path, target.kind.resource)
        if verb in ("get", "list"):
            return self._read(request, target, verb)
        body = await request.read()
        return self._write(request, target, verb, body)

    def _verb(self, request: web.Request, target: RequestTarget) -> str:
        if request.method in ("GET", "HEAD"):
            if target.name:
                return "get"
            return "watch" if request.query.get("watch") in _YES else "list"
        verb = _VERBS.get(request.method, "")
        allowed = ("create", "delete") if not target.name else ("update", "patch", "delete")
        if verb not in allowed or (target.subresource and verb == "delete"):
            message = "the server does not allow this method on the requested resource"
            raise Refusal(405, "MethodNotAllowed", message, {})
        return "deletecollection" if verb == "delete" and not target.name else verb

    def _target(self, parts: list[str]) -> RequestTarget | None:
        """Return what a path names; None when it is about discovery.

        Raises:
            Refusal: 404, it names a kind that is not served.
        """
        match parts:
            case ["api", "v1", *rest] if rest:
                group, version = "", "v1"
            case ["apis", group, version, *rest] if rest:
                pass
            case _:
                return None
        namespace = ""
        match rest:
            case ["namespaces", within, plural, *more] if plural not in ("status", "finalize"):
                namespace, rest = within, [plural, *more]
        plural, name, subresource, *more = [*rest, "", ""]
        kind = self.writes.kinds.find(group, version, plural)
        logs = kind is not None and kind.group_plural == ("", "pods")
        served = {"": True, "status": kind.status, "scale": kind.scale, "log": logs} if kind else {}
        if kind is None or any(more) or not served.get(subresource):
            raise answers.no_such_path()
        if (namespace and not kind.namespaced) or (kind.namespaced and not namespace and name):
            raise answers.no_such_path()
        return RequestTarget(kind, namespace, name, subresource)

    def _discover(self, request: web.Request, parts: list[str]) -> web.Response:
        kinds, silent = self.writes.kinds.all(), self._silent()
        wants_all = "as=APIGroupDiscoveryList" in request.headers.get("Accept", "")
        document: Any = None
        match parts:
            case ["version"]:
                document = self.version
            case ["api" | "apis" as root] if wants_all:
                body = orjson.dumps(discovery.aggregated(kinds, silent, core=root == "api"))
                return web.Response(body=body, headers={"Content-Type": discovery.AGGREGATED})
            case ["api"]:
                document = discovery.core_versions(request.host)
            case ["apis"]:
                document = discovery.groups(kinds, silent)
            case ["apis", name]:
                document = discovery.group(kinds, name)
            case ["api", version]:
                document = discovery.resources(kinds, "", version)
            case ["apis", name, version] if (name, version) in silent:
                raise Refusal(503, "ServiceUnavailable", "service unavailable", {})
            case ["apis", name, version]:
                document = discovery.resources(kinds, name, version)
            case _:
                pass
        if document is None:
            raise answers.no_such_path()
        return _json(document)

    def _silent(self) -> list[tuple[str, str]]:
        """Return what APIServices say that other servers serve: this one cannot reach any."""
        specs = [stored.parsed()["spec"] for stored in self.writes.store.collection(_API_SERVICES).objects()]
        return [(spec["group"], spec["version"]) for spec in specs if spec.get("service")]

    def _read(self, request: web.Request, target: RequestTarget, verb: str) -> web.Response:
        view = _view(request, target.kind)
        collection = self.writes.store.collection(target.kind.group_plural)
        version, now = version_of(request.query), self.writes.store.version
        if version > now:
            raise answers.too_large(version, now)
        if target.subresource == "scale":
            return _json(Scales(self.writes).live(target))
        if verb == "get":
            stored = collection.get(target.namespace, target.name)
            if stored is None:
                raise answers.not_found(target.kind.resource, target.name)
            if target.subresource == "log":
                return _log(stored.parsed(), request.query)
            return _raw(view.one(stored))
        check_list(request.query)
        chosen = selection(target.kind, target.namespace, request.query)
        page = PageRequest.parse(request.query)
        if request.query.get("resourceVersionMatch") == EXACT and not page.version:
            now = version
        return _raw(listed(view, collection, chosen, page, now))

    async def _watch(self, request: web.Request, target: RequestTarget) -> web.StreamResponse:
        wish = Wish.parse(request.query)
        chosen = selection(target.kind, target.namespace, request.query)
        view = _view(request, target.kind)
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        with self.faults.watch(request.path) as cut:
            fault = self.faults.take("watch", request.path, cut=True)
            try:
                await self.faults.strike("watch", request.path, target.kind.resource)
            except Refusal as refusal:
                if refusal.code != 410:  # noqa: PLR2004 - Gone comes as an event, all else as an answer
                    raise
                await out.prepare(request)
                await out.write(watching.error_line(refusal))
                return out
            await out.prepare(request)
            collection = self.writes.store.collection(target.kind.group_plural)
            store = self.writes.store
            events = watching.OpenWatch(view, collection, chosen, wish, lambda: store.version, out.write)
            await _until_cut(events, cut, fault)
            if cut.is_set() and request.transport is not None:
                request.transport.abort()
        return out

    def _write(self, request: web.Request, target: RequestTarget, verb: str, body: bytes) -> web.Response:
        query = request.query
        if verb in ("delete", "deletecollection"):
            deletion = Deletion.parse(target.kind, _parsed(body) if body else None, query)
            if verb == "delete":
                return _json(deletes.delete(self.writes, target, deletion))
            return self._delete_all(target, query, deletion)
        options = _options(request)
        writes = Scales(self.writes) if target.subresource == "scale" else self.writes
        if verb == "patch":
            written = _patch(writes, request, target, body, options)
        else:
            if request.content_type not in _JSON_TYPES:
                raise answers.unsupported(f"the body of the request was in an unknown format: {request.content_type}")
            if verb == "create" and target.kind.namespaced and not target.namespace:
                raise answers.bad_request("an empty namespace may not be set during creation")
            write = self.writes.create if verb == "create" else writes.replace
            written = write(target, _parsed(body, strict=options.strict), options)
        return _raw(_view(request, target.kind).of(written.obj), 201 if written.created else 200)

    def _delete_all(self, target: RequestTarget, query: Mapping[str, str], deletion: Deletion) -> web.Response:
        collection = self.writes.store.collection(target.kind.group_plural)
        chosen = list(chosen_of(collection, selection(target.kind, target.namespace, query)))
        view = View(target.kind)
        for stored in chosen:
            deletes.delete(self.writes, RequestTarget(target.kind, stored.namespace, stored.name), deletion)
        kind, api_version = view.list_head()
        metadata = {"resourceVersion": f"{self.writes.store.version}"}
        head = orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})
        return _raw(head[:-1] + b',"items":[' + b",".join(map(view.item, chosen)) + b"]}")

    async def _order_faults(self, request: web.Request, user: str) -> web.Response:
        if user != "admin":
            raise answers.forbidden(Resource("", "faults", "Fault"), "", "faults are ordered by administrators")
        match request.method:
            case "POST":
                self.faults.order(Fault.parse(_parsed(await request.read())))
            case "DELETE":
                self.faults.clear()
            case _:
                pass
        return _json({"faults": [fault.shown() for fault in self.faults.ordered]})


def _patch(
    writes: Writes | Scales, request: web.Request, target: RequestTarget, body: bytes, options: WriteOptions
) -> Written:
    query = request.query
    if request.content_type == APPLY_PATCH:
        if not query.get("fieldManager"):
            raise answers.invalid(_OPTIONS, "", [answers.required("fieldManager", "is required for apply patch")])
        return writes.apply(target, _parsed(body, yaml_too=True, strict=options.strict), options)
    if request.content_type not in (JSON_PATCH, MERGE_PATCH):
        media_types = f"{JSON_PATCH}, {MERGE_PATCH}, {APPLY_PATCH}"
        message = f"the body of the request was in an unknown format - accepted media types include: {media_types}"
        raise answers.unsupported(message)
    if "force" in query:
        error = Invalid("force", "Forbidden: may not be specified for non-apply patch", "FieldValueForbidden")
        raise answers.invalid(_OPTIONS, "", [error])
    if options.strict:
        try:
            _refuse_twice(body)
        except Refusal as refusal:
            raise answers.unpatchable(refusal) from None
    return writes.patch(target, request.content_type, _parsed(body), options)


async def _until_cut(events: watching.OpenWatch, cut: asyncio.Event, fault: Fault | None) -> None:
    """Run a watch's stream until it ends, or is cut."""

    async def wait() -> None:
        if fault is not None:
            await asyncio.sleep(fault.seconds)
            cut.set()
        await cut.wait()
        raise _Cut

    try:
        async with asyncio.TaskGroup() as group:
            waiter = group.create_task(wait(), name="cut")
            await events.run()
            waiter.cancel()
    except* _Cut:
        pass


class _Cut(Exception):
    """The watch was cut."""


def _options(request: web.Request) -> WriteOptions:
    query = request.query
    dry = query.getall("dryRun", [])
    if dry and dry != ["All"]:
        error = Invalid("dryRun", f'Unsupported value: "{dry[0]}": supported values: "All"', "FieldValueNotSupported")
        raise answers.invalid(_OPTIONS, "", [error])
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Strict", "Warn"):
        message = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        raise answers.invalid(_OPTIONS, "", [Invalid("fieldValidation", message, "FieldValueNotSupported")])
    agent = request.headers.get("User-Agent", "unknown").split("/")[0].strip()
    return WriteOptions(
        manager=query.get("fieldManager") or agent,
        dry_run=bool(dry),
        strict=validation == "Strict",
        force=query.get("force") in _YES,
    )


def _view(request: web.Request, kind: ServedKind) -> View:
    return View(kind, metadata_only=form_of(request.headers.get("Accept", ""), FORMS) != "")


def _parsed(body: bytes, *, yaml_too: bool = False, strict: bool = False) -> Any:
    """Return a body as JSON; where it is `strict`, with each field once.

    Raises:
        Refusal: 400, it is none.
    """
    if strict:
        _refuse_twice(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as err:
        if yaml_too:
            return _parsed_yaml(body)
        raise answers.bad_request(f"the object provided is unrecognized: {err}") from None


def _refuse_twice(body: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in pairs:
            if name in fields:
                raise answers.bad_request(f'strict decoding error: duplicate field "{name}"')
            fields[name] = value
        return fields

    with suppress(json.JSONDecodeError, UnicodeDecodeError):  # YAML, or nothing at all: whoever parses it says so
        json.loads(body, object_pairs_hook=once)


def _parsed_yaml(body: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(body)
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise answers.bad_request(f"error decoding YAML: {err}") from None


def _log(pod: Any, query: Mapping[str, str]) -> web.Response:
    lines = pod["metadata"].get("annotations", {}).get(LOG, "").splitlines(keepends=True)
    return web.Response(text="".join(lines[-int(query.get("tailLines", 0)) :]))


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return _raw(orjson.dumps(value), status, headers)


def _raw(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")

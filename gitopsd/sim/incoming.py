"""Bodies of requests on their way in: of the right type and place, then decoded, pruned and defaulted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.sim import custom, ssa, strategy
from gitopsd.sim.answers import Refusal, bad_request, untyped
from gitopsd.sim.decode import decoded, is_time, whole
from gitopsd.sim.defaults import default
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.schema import builtin

Obj = dict[str, Any]
_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write."""

    manager: str
    dry_run: bool = False
    strict: bool = False  # unknown fields are refused, not dropped
    force: bool = False


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """What a request is about."""

    kind: ServedKind
    namespace: str = ""
    name: str = ""  # "": a collection
    subresource: str = ""  # or "status", or "scale"


def read_applied(kind: ServedKind, body: Obj, options: WriteOptions) -> Obj:
    """Return what an apply makes as the server holds it.

    Raises:
        Refusal: 500, a value fits the schema and not the type; 422, a part that is needed is missing.
    """
    if kind.custom:
        return read(kind, {**body, "metadata": _timely(body["metadata"])}, options, applied=True)
    try:
        return read(kind, whole(body, kind.type), options, applied=True)
    except Refusal as refusal:
        reason = f"unable to convert unstructured object to {ssa.typed(body)}: {refusal}"
        raise untyped(f"failed to convert new object ({ssa.described(body)}) to proper version: {reason}") from None


def _timely(metadata: Obj) -> Obj:
    """Return a custom object's metadata without times that are none: an apply drops them."""
    times = ("creationTimestamp", "deletionTimestamp")
    return {name: value for name, value in metadata.items() if name not in times or value is None or is_time(value)}


def applicable(target: RequestTarget, body: Any) -> Obj:
    """Return the body of an apply to `target`, or raise the 400 for one that cannot be."""
    applied = mapping(body)
    ssa.refuse_managed_fields(applied)
    check_path(target, applied)
    if not applied.get("apiVersion") or not applied.get("kind"):
        raise bad_request("apiVersion and kind must be set")
    return applied


def read(kind: ServedKind, body: Any, options: WriteOptions, *, applied: bool = False) -> Obj:
    """Return `body` as the server holds it: typed, pruned, defaulted."""
    body = mapping(body)
    _check_type(kind, body)
    unknown: list[str] = []
    raw_metadata = body.get("metadata") or {}
    entries = raw_metadata.get("managedFields", _NONE) if isinstance(raw_metadata, dict) else _NONE
    if kind.schema is None:
        obj = decoded(body, kind.type, "", unknown)
        if kind.kind == "Secret":
            strategy.fold_string_data(obj)
        default(kind.kind, obj)
    else:
        rest = {k: v for k, v in body.items() if k not in ("metadata", "apiVersion", "kind")}
        rest = custom.pruned(rest, kind.schema, "", unknown)
        if not applied:
            custom.without_nulls(rest, kind.schema)
        metadata = decoded(raw_metadata, builtin("ObjectMeta"), "metadata", unknown)
        obj = custom.defaulted({**rest, "metadata": metadata}, kind.schema)
    if entries is not _NONE and entries is not None:
        obj["metadata"]["managedFields"] = entries  # an empty list is a reset, and zero values vanish in decoding
    if unknown and options.strict:
        listed = ", ".join(f'unknown field "{one}"' for one in sorted(unknown))
        raise bad_request(f"strict decoding error: {listed}")
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        **{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")},
    }


def _check_type(kind: ServedKind, body: Obj) -> None:
    if kind.custom and not (body.get("kind") and body.get("apiVersion")):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.kind})")
    named = body.get("kind") or kind.kind, body.get("apiVersion") or kind.api_version
    if named != (kind.kind, kind.api_version):
        raise bad_request(
            f"{named[0]} in version {named[1]!r} cannot be handled as a {kind.kind}: expected {kind.api_version}"
        )


def check_path(target: RequestTarget, body: Any) -> None:
    """Raise the 400 for a body that is not of the object that the path names."""
    _check_type(target.kind, mapping(body))
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad_request("json: cannot unmarshal metadata")
    if not metadata.get("name"):
        message = f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(message)
    if metadata["name"] != target.name:
        message = f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        raise bad_request(message)
    if target.kind.namespaced and metadata.get("namespace") not in (None, "", target.namespace):
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise bad_request(message)


def place(target: RequestTarget, obj: Obj) -> None:
    """Put an object into the namespace that the path names, in place."""
    if not target.kind.namespaced:
        obj["metadata"].pop("namespace", None)
        return
    if obj["metadata"].get("namespace") not in (None, "", target.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    obj["metadata"]["namespace"] = target.namespace


def mapping(body: Any) -> Obj:
    """Return a body that is a JSON object; any other raises the 400."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type object)")
    return body

"""Every write, from decoding to the store: create, replace, patch, server-side apply."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from gitopsd.sim import answers, custom, immutable, owners, ssa, strategy, validate
from gitopsd.sim.answers import Invalid, Refusal
from gitopsd.sim.decode import zero
from gitopsd.sim.defaults import default
from gitopsd.sim.fieldset import Fields, without
from gitopsd.sim.incoming import (
    Obj,
    RequestTarget,
    WriteOptions,
    applicable,
    check_path,
    mapping,
    place,
    read,
    read_applied,
)
from gitopsd.sim.kinds import Kinds, ServedKind
from gitopsd.sim.patches import json_patched, merge_patched
from gitopsd.sim.services import Addresses
from gitopsd.sim.store import SimStore

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_VERSION_NEEDED = frozenset(  # to replace one of these, beside custom objects, one must say which version was read
    {
        "PodDisruptionBudget",
        "CustomResourceDefinition",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "APIService",
        "Lease",
    }
)
_CREATED_BY_REPLACE = frozenset(
    {
        "Service",
        "Endpoints",
        "Event",
        "Lease",
        "LimitRange",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "PriorityClass",
    }
)


@dataclass(frozen=True, slots=True)
class Written:
    """The object after a write, and whether it is new."""

    obj: Obj
    created: bool = False


@dataclass(slots=True)
class Writes:
    """Writes to one cluster; every method leaves the store consistent, and none awaits."""

    kinds: Kinds
    store: SimStore
    now: Callable[[], str]  # RFC 3339
    addresses: Addresses = field(default_factory=Addresses)

    def live(self, target: RequestTarget) -> Obj | None:
        """Return an object as it is read at its kind's version."""
        kind = target.kind
        stored = self.store.collection(kind.group_plural).get(target.namespace, target.name)
        return None if stored is None else {"apiVersion": kind.api_version, "kind": kind.kind, **stored.parsed()}

    def existing(self, target: RequestTarget) -> Obj:
        live = self.live(target)
        if live is None:
            raise answers.not_found(target.kind.resource, target.name)
        return live

    def create(self, target: RequestTarget, body: Any, options: WriteOptions) -> Written:
        if target.kind.ending:
            raise answers.ending_kind(target.kind.resource, _name_in(mapping(body)))
        obj = read(target.kind, body, options)
        place(target, obj)
        return self._create(target, obj, options, posted=True)

    def _create(self, target: RequestTarget, obj: Obj, options: WriteOptions, *, posted: bool = False) -> Written:
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(secrets.choice(_LETTERS) for _ in range(5))
            default(target.kind.kind, obj)  # a Namespace is labelled with its name
        owners_named = owners.read(metadata.pop("managedFields", None) or ())
        owned = ssa.update(self._zero(target.kind), obj, owners_named, self._writer(target, options))
        return self._store_new(target.kind, obj, owned, options, posted=posted)

    def replace(self, target: RequestTarget, body: Any, options: WriteOptions) -> Written:
        check_path(target, body)
        obj = read(target.kind, body, options)
        place(target, obj)
        if target.kind.kind in _CREATED_BY_REPLACE and not target.kind.custom and self.live(target) is None:
            return self._create(target, obj, options)
        old = self.existing(target)
        uid_named, uid = obj["metadata"].get("uid"), old["metadata"]["uid"]
        if uid_named and uid_named != uid:
            raise answers.precondition(target.kind.resource, target.name, "UID", uid_named, uid)
        if not obj["metadata"].get("resourceVersion") and (target.kind.custom or target.kind.kind in _VERSION_NEEDED):
            error = Invalid("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
            raise answers.invalid(target.kind.resource, target.name, [error])
        return self._update(target, old, obj, options)

    def patch(self, target: RequestTarget, content_type: str, patch: Any, options: WriteOptions) -> Written:
        old = self.existing(target)
        obj = patched(target, old, content_type, patch, options)
        return self._update(target, old, obj, options)

    def apply(self, target: RequestTarget, body: Any, options: WriteOptions) -> Written:
        """Server-side apply."""
        body = applicable(target, body)
        writer = self._writer(target, options)
        old = self.live(target)
        if old is None:
            return self._apply_new(target, body, writer, options)
        entries = old["metadata"].pop("managedFields", None) or ()
        owned = owners.read(entries) or ssa.first_owners(old, self._zero(target.kind), writer)
        if version := _undefined(target.kind, owned):
            raise answers.untyped(f"request to convert CR to an invalid group/version: {version}")
        new, after = ssa.apply(old, body, owned, writer)
        if entries:
            old["metadata"]["managedFields"] = entries
        return self.store_changed(target, old, read_applied(target.kind, new, options), after, options)

    def _apply_new(self, target: RequestTarget, body: Obj, writer: ssa.SsaWriter, options: WriteOptions) -> Written:
        if target.subresource:
            raise answers.not_found(target.kind.resource, target.name)
        if body["metadata"].get("uid"):
            reason = "uid mismatch: the provided object specified uid, and no existing object was found"
            raise answers.conflict(target.kind.resource, target.name, reason)
        new, owned = ssa.apply(self._zero(target.kind), body, {}, writer)
        if target.kind.ending:
            raise answers.ending_kind(target.kind.resource, target.name)
        obj = read_applied(target.kind, new, options)
        place(target, obj)
        return self._store_new(target.kind, obj, owned, options)

    def _update(self, target: RequestTarget, old: Obj, obj: Obj, options: WriteOptions) -> Written:
        """Store `obj` in place of `old`, both decoded; what changes belongs to the manager that updates."""
        before = owners.read(old["metadata"].get("managedFields") or ())
        bare = {**old, "metadata": {k: v for k, v in old["metadata"].items() if k != "managedFields"}}
        new = strategy.only_status(target.kind, obj, bare) if target.subresource else obj
        after = ssa.updated(bare, new, before, self._writer(target, options))
        after = {} if _undefined(target.kind, after) else after  # it forgets whose anything is
        return self.store_changed(target, old, obj, after, options)

    def _zero(self, kind: ServedKind) -> Obj:
        empty: Obj = {"apiVersion": kind.api_version, "kind": kind.kind}
        if not kind.custom:
            empty.update({k: v for k, v in zero(kind.type).items() if k not in empty})
        empty.setdefault("metadata", {})
        return empty

    def _writer(self, target: RequestTarget, options: WriteOptions) -> ssa.SsaWriter:
        kind = target.kind

        def status_only(fields: Fields) -> Fields:
            return strategy.of_status(kind, fields)

        def no_status(fields: Fields) -> Fields:
            return without(fields, "f:status") if kind.status else fields

        return ssa.SsaWriter(
            options.manager,
            kind.api_version,
            self.now(),
            kind.type,
            status_only if target.subresource else no_status,
            target.subresource,
            options.force,
        )

    def _store_new(
        self, kind: ServedKind, obj: Obj, owned: owners.Owners, options: WriteOptions, *, posted: bool = False
    ) -> Written:
        metadata = obj["metadata"]
        self._check_namespace(kind, metadata)
        for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
            metadata.pop(name, None)
        metadata["uid"] = _new_uid()
        metadata["creationTimestamp"] = self.now()
        strategy.prepare_new(kind, obj, self.addresses)
        self._check(kind, None, obj)
        if posted and metadata.get("resourceVersion") and not options.dry_run:
            raise answers.untyped("resourceVersion should not be set on objects to be created")
        if self.store.collection(kind.group_plural).get(metadata.get("namespace", ""), metadata["name"]):
            raise answers.already_exists(kind.resource, metadata["name"])
        self._own(metadata, owned)
        obj = strategy.stored(kind, obj)
        if not options.dry_run:  # whose answer has the version that the request came with
            self._put(kind, obj)
        return Written(obj, created=True)

    def store_changed(
        self, target: RequestTarget, old: Obj, obj: Obj, owned: owners.Owners, options: WriteOptions
    ) -> Written:
        """Store `obj`, decoded and owned by `owned`, in place of `old`.

        Raises:
            Refusal: 409, `obj` is made of another version; 422, it is invalid.
        """
        kind = target.kind
        name, before = old["metadata"]["name"], old["metadata"]
        version = obj["metadata"].get("resourceVersion") or "0"
        if not version.isdecimal():
            raise answers.untyped(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if version not in ("0", before["resourceVersion"]):  # 0: whatever is there
            raise answers.stale(kind.resource, name)
        obj = self._prepared(target, old, obj)
        self._check(kind, old, obj)
        metadata = obj["metadata"]
        self._own(metadata, owned)
        stored = strategy.stored(kind, obj)
        if _same(old, stored):
            return Written(old)
        if metadata.get("deletionTimestamp") and self._finished(kind, obj):
            if not options.dry_run:
                self._remove(kind, obj)
            return Written(obj)  # which was not stored again
        if not options.dry_run:
            self._put(kind, stored)
        return Written(stored)

    def _prepared(self, target: RequestTarget, old: Obj, obj: Obj) -> Obj:
        kind = target.kind
        before = old["metadata"]
        if target.subresource:
            obj = strategy.only_status(kind, obj, old)
        else:
            strategy.keep_status(kind, obj, old)
        metadata = obj["metadata"] = {**obj["metadata"], "resourceVersion": before["resourceVersion"]}
        for name in ("uid", "creationTimestamp"):
            metadata.setdefault(name, before[name])
        for name in ("generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generateName"):
            if name in before:
                metadata[name] = before[name]
            else:
                metadata.pop(name, None)
        if not kind.custom:
            strategy.prepare_changed(kind, obj, old, self.addresses)
        if kind.generation and not target.subresource and strategy.moves_generation(kind, old, obj):
            metadata["generation"] = before.get("generation", 0) + 1
        return obj

    def _check(self, kind: ServedKind, old: Obj | None, obj: Obj) -> None:
        errors = list(validate.problems(kind, obj))
        if kind.schema is not None:
            errors += custom.problems(_own_fields(obj), kind.schema, "", _own_fields(old) if old else custom.NEW)
        if old is not None:
            errors += immutable.changes(kind, old, obj)
        if errors:
            raise answers.invalid(kind.resource, obj["metadata"].get("name", ""), errors)

    def _check_namespace(self, kind: ServedKind, metadata: Obj) -> None:
        if not kind.namespaced:
            return
        name = metadata["namespace"]
        namespaces = self.kinds.named("Namespace")
        namespace = self.live(RequestTarget(namespaces, name=name))
        if namespace is None:
            raise answers.not_found(namespaces.resource, name)
        if namespace["metadata"].get("deletionTimestamp"):
            reason = f"unable to create new content in namespace {name} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {name} is being terminated",
                "field": "metadata.namespace",
            }
            raise answers.forbidden(kind.resource, metadata.get("name", ""), reason, [cause])

    def _own(self, metadata: Obj, owned: owners.Owners) -> None:
        entries = owners.written(owned)
        if entries:
            metadata["managedFields"] = entries
        else:
            metadata.pop("managedFields", None)

    def _finished(self, kind: ServedKind, obj: Obj) -> bool:
        if kind.kind == "Namespace" and not kind.custom and obj["spec"].get("finalizers"):
            return False
        return not obj["metadata"].get("finalizers")

    def _put(self, kind: ServedKind, obj: Obj) -> None:
        self.store.put(kind.group_plural, {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")})

    def _remove(self, kind: ServedKind, obj: Obj) -> None:
        self.store.remove(kind.group_plural, {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")})


def patched(target: RequestTarget, old: Obj, content_type: str, patch: Any, options: WriteOptions) -> Obj:
    """Return what a JSON or merge patch makes of `old`, decoded.

    Raises:
        Refusal: 400, it is no patch, or takes the name away; 422, the object does not fit its type any more.
    """
    new = json_patched(old, patch) if content_type == JSON_PATCH else merge_patched(old, mapping(patch))
    try:
        obj = read(target.kind, new, options)
    except Refusal as refusal:
        raise answers.unpatchable(refusal) from None
    check_path(target, new)
    return obj


def _undefined(kind: ServedKind, owned: owners.Owners) -> str:
    """Return an apiVersion of `owned` that a custom kind's definition does not have; "" where there is none."""
    undefined = (one.api_version for one in owned.values() if kind.custom and one.api_version not in kind.defined)
    return next(undefined, "")


def _name_in(body: Obj) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


def _own_fields(obj: Obj) -> Obj:
    return {k: v for k, v in obj.items() if k not in ("metadata", "apiVersion", "kind")}


def _new_uid() -> str:
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _same(old: Obj, new: Obj) -> bool:
    """Tell whether a write changes nothing: the times of managedFields do not count."""
    if old.keys() != new.keys() or any(old[name] != new[name] for name in old if name != "metadata"):
        return False
    before, after = old["metadata"], new["metadata"]
    if before.keys() != after.keys() or any(before[name] != after[name] for name in before if name != "managedFields"):
        return False
    return _untimed(before.get("managedFields", ())) == _untimed(after.get("managedFields", ()))


def _untimed(entries: Sequence[Obj]) -> list[tuple[tuple[str, ...], Fields]]:
    # A list: of two entries of one owner, which a Scale leaves, the next write keeps the later one.
    names = ("manager", "operation", "apiVersion", "subresource")
    untimed = ((tuple(entry.get(name, "") for name in names), entry.get("fieldsV1", {})) for entry in entries)
    return sorted(untimed, key=itemgetter(0))

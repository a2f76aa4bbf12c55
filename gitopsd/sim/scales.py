"""The scale subresource: a workload's replicas as an object of its own, for autoscalers and `kubectl scale`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from gitopsd.sim import answers, owners, ssa
from gitopsd.sim.answers import Invalid
from gitopsd.sim.decode import zero
from gitopsd.sim.fieldset import Fields, difference, intersection
from gitopsd.sim.incoming import Obj, RequestTarget, WriteOptions, applicable, check_path, place, read, read_applied
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.owners import APPLY, Owned, Owner, Owners
from gitopsd.sim.schema import builtin
from gitopsd.sim.writes import Writes, Written, patched

SCALE = ServedKind("autoscaling", "v1", "Scale", "scales", namespaced=True, type=builtin("Scale"))
_REPLICAS: Fields = {"f:spec": {"f:replicas": {}}}  # the one field of both, at one path in both
_SHARED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


@dataclass(frozen=True, slots=True)
class Scales:
    """The Scale of every workload; what is written to one is written to the workload's replicas."""

    writes: Writes

    def live(self, target: RequestTarget) -> Obj:
        """Return the Scale of the workload at `target`.

        Raises:
            Refusal: 404, there is no such workload.
        """
        return _scale(self.writes.existing(target))

    def replace(self, target: RequestTarget, body: Any, options: WriteOptions) -> Written:
        path = _at(target)
        check_path(path, body)
        new = read(SCALE, body, options)
        place(path, new)
        return self._update(target, new, options)

    def patch(self, target: RequestTarget, content_type: str, patch: Any, options: WriteOptions) -> Written:
        workload = self.writes.existing(target)
        old = _scale(workload)
        entries = owners.written(_seen(owners.read(workload["metadata"].get("managedFields") or ())))
        old["metadata"]["managedFields"] = entries
        return self._update(target, patched(_at(target), old, content_type, patch, options), options)

    def apply(self, target: RequestTarget, body: Any, options: WriteOptions) -> Written:
        """Server-side apply."""
        body = applicable(_at(target), body)
        workload = self.writes.existing(target)
        old, writer = _scale(workload), self._writer(options)
        before = owners.read(workload["metadata"].get("managedFields") or ())
        owned = _seen(before) or ssa.first_owners(old, _zero(), writer)
        new, after = ssa.apply(old, body, owned, writer)
        return self._store(target, workload, read_applied(SCALE, new, options), _kept(before, after, target), options)

    def _update(self, target: RequestTarget, new: Obj, options: WriteOptions) -> Written:
        workload = self.writes.existing(target)
        before = owners.read(workload["metadata"].get("managedFields") or ())
        after = ssa.updated(_scale(workload), new, _seen(before), self._writer(options))
        return self._store(target, workload, new, _kept(before, after, target), options)

    def _store(self, target: RequestTarget, workload: Obj, scale: Obj, owned: Owners, options: WriteOptions) -> Written:
        kind, uid_named, uid = target.kind, scale["metadata"].get("uid"), workload["metadata"]["uid"]
        if uid_named and uid_named != uid:
            raise answers.precondition(kind.resource, target.name, "UID", uid_named, uid)
        replicas = scale["spec"].get("replicas", 0)
        if replicas < 0:
            error = Invalid("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
            raise answers.invalid(SCALE.resource, target.name, [error])
        version = scale["metadata"].get("resourceVersion", "")
        new = {
            **workload,
            "metadata": {**workload["metadata"], "resourceVersion": version},
            "spec": {**workload["spec"], "replicas": replicas},
        }
        whole = RequestTarget(kind, target.namespace, target.name)
        return Written(_scale(self.writes.store_changed(whole, workload, new, owned, options).obj))

    def _writer(self, options: WriteOptions) -> ssa.SsaWriter:
        return ssa.SsaWriter(
            options.manager,
            SCALE.api_version,
            self.writes.now(),
            SCALE.type,
            ignored=lambda fields: fields,
            subresource="scale",
            force=options.force,
        )


def _at(target: RequestTarget) -> RequestTarget:
    return RequestTarget(SCALE, target.namespace, target.name)


def _zero() -> Obj:
    return {**zero(SCALE.type), "apiVersion": SCALE.api_version, "kind": SCALE.kind}


def _scale(workload: Obj) -> Obj:
    metadata, spec, status = workload["metadata"], workload["spec"], workload.get("status") or {}
    replicas = spec.get("replicas", 0)
    return {
        "kind": SCALE.kind,
        "apiVersion": SCALE.api_version,
        "metadata": {name: metadata[name] for name in _SHARED if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": status.get("replicas", 0),
            "selector": _text(spec.get("selector") or {}),
        },
    }


def _text(selector: Obj) -> str:
    return ",".join(text for _, text in sorted(_requirements(selector), key=itemgetter(0)))


def _requirements(selector: Obj) -> Iterator[tuple[str, str]]:
    """Yield each key of a selector and how the requirement on it is written."""
    for key, value in selector.get("matchLabels", {}).items():
        yield key, f"{key}={value}"
    for one in selector.get("matchExpressions", ()):
        key, values = one["key"], ",".join(sorted(one.get("values") or ()))
        match one["operator"]:
            case "In":
                yield key, f"{key} in ({values})"
            case "NotIn":
                yield key, f"{key} notin ({values})"
            case "Exists":
                yield key, key
            case _:
                yield key, f"!{key}"


def _seen(before: Owners) -> Owners:
    """Return who owns the replicas, as owners of the Scale."""
    return {
        Owner(
            owner.manager, owner.operation, "" if owner.operation == APPLY else SCALE.api_version, owner.subresource
        ): (Owned(_REPLICAS, SCALE.api_version, owned.time))
        for owner, owned in before.items()
        if intersection(owned.fields, _REPLICAS)
    }


def _kept(before: Owners, after: Owners, target: RequestTarget) -> Owners:
    """Return a workload's owners once its Scale, owned as `before` tells, is owned as `after` tells."""
    holders = {owner: owned for owner, owned in after.items() if intersection(owned.fields, _REPLICAS)}
    out: Owners = {}
    for owner, owned in before.items():
        # Who updates is told from others by the version too, and a Scale has another: so even an updater that keeps
        # the replicas has them in an entry apart, as on the real server.
        holder = holders.pop(owner, None) if intersection(owned.fields, _REPLICAS) else None
        remaining = owned.fields if holder else difference(owned.fields, _REPLICAS)
        if remaining:
            out[owner] = Owned(remaining, owned.api_version, owned.time)
    for owner in holders:  # the real server gives these entries no time
        out[owner] = Owned(_REPLICAS, target.kind.api_version, "")
    return out

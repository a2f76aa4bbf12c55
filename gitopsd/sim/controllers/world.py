"""What controllers see of the cluster, and how they write to it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from gitopsd.sim.answers import Refusal
from gitopsd.sim.deletes import Deletion, delete
from gitopsd.sim.incoming import Obj, RequestTarget, WriteOptions
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.writes import MERGE_PATCH, Writes

Key = tuple[str, ...]
NODE = "sim-node-1"
_BROKEN = re.compile(r"crash|:broken(@|$)")


@dataclass(frozen=True, slots=True)
class World:
    """One cluster for its controllers."""

    writes: Writes
    speed: float

    def kind(self, name: str, group: str = "") -> ServedKind:
        return self.writes.kinds.named(name, group)

    def get(self, kind: ServedKind, namespace: str, name: str) -> Obj | None:
        return self.writes.live(RequestTarget(kind, namespace, name))

    def owned(self, kind: ServedKind, namespace: str, uid: str) -> Iterator[Obj]:
        """Yield the objects in a namespace whose controller is `uid`, in the order of their names."""
        collection = self.writes.store.collection(kind.group_plural)
        marker = uid.encode()
        for stored in sorted(collection.objects(namespace), key=lambda one: one.name):
            if marker in stored.body:  # most objects of a big namespace are somebody else's
                obj = stored.parsed()
                if controller_of(obj) == uid:
                    yield {"apiVersion": kind.api_version, "kind": kind.kind, **obj}

    def create(self, kind: ServedKind, namespace: str, obj: Obj, manager: str = "kube-controller-manager") -> None:
        """Create an object; that it is there already, or its namespace goes, is nobody's fault."""
        try:
            self.writes.create(RequestTarget(kind, namespace), obj, WriteOptions(manager))
        except Refusal as refusal:
            if refusal.code not in (403, 404, 409, 422):
                raise

    def patch(self, target: RequestTarget, patch: Obj, manager: str = "kube-controller-manager") -> None:
        """Merge `patch` into an object; that it is gone, or changed meanwhile, is nobody's fault."""
        try:
            self.writes.patch(target, MERGE_PATCH, patch, WriteOptions(manager))
        except Refusal as refusal:
            if refusal.code not in (404, 409, 422):
                raise

    def set_status(self, kind: ServedKind, obj: Obj, status: Obj, manager: str = "kube-controller-manager") -> None:
        """Make `status` the status of `obj`; a value that is None is removed."""
        old = obj.get("status") or {}
        patch = {name: value for name, value in status.items() if old.get(name) != value}
        if patch:
            meta = obj["metadata"]
            target = RequestTarget(kind, meta.get("namespace", ""), meta["name"], "status")
            self.patch(target, {"status": patch}, manager)

    def delete(self, kind: ServedKind, namespace: str, name: str, finalizer: str = "") -> None:
        try:
            delete(self.writes, RequestTarget(kind, namespace, name), Deletion(finalizer=finalizer))
        except Refusal as refusal:
            if refusal.code not in (404, 409):
                raise

    def age_s(self, obj: Obj) -> float:
        """Return how many simulated seconds ago `obj` was created."""
        return self.since_s(obj["metadata"]["creationTimestamp"])

    def since_s(self, moment: str) -> float:
        """Return how many simulated seconds have passed since an RFC 3339 moment."""
        then = datetime.fromisoformat(moment).astimezone(UTC).timestamp()
        return (time.time() - then) * self.speed


def controller_of(obj: Mapping[str, Any]) -> str:
    """Return the uid of the owner that controls `obj`; "" when none does."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return str(owner["uid"])
    return ""


def owner_reference(obj: Obj) -> Obj:
    """Return the reference by which `obj` controls what it makes."""
    meta = obj["metadata"]
    common = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": meta["name"], "uid": meta["uid"]}
    return {**common, "controller": True, "blockOwnerDeletion": True}


def template_hash(template: Any) -> str:
    """Return ten characters that name a Pod template."""
    digest = hashlib.blake2b(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()
    letters = "bcdfghjklmnpqrstvwxz2456789"
    number = int.from_bytes(digest)
    out = ""
    for _ in range(10):
        number, rest = divmod(number, len(letters))
        out += letters[rest]
    return out


def new_pod(owner: Obj, template: Obj, labels: Mapping[str, str] | None = None, name: str = "") -> Obj:
    """Return the Pod that `owner` makes of a template; without a name, the server completes the owner's."""
    metadata = {name: value for name, value in template["metadata"].items() if name in ("labels", "annotations")}
    metadata["labels"] = {**metadata.get("labels", {}), **(labels or {})}
    metadata["ownerReferences"] = [owner_reference(owner)]
    if name:
        metadata["name"] = name
    else:
        metadata["generateName"] = f"{owner['metadata']['name']}-"
    return {"metadata": metadata, "spec": template["spec"]}


def is_ready(pod: Obj) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def condition(obj: Obj, kind: str) -> Obj:
    """Return a condition of `obj` by its type; empty when it has none."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})


def with_conditions(obj: Obj, now: str, **conditions: tuple[str, str, str]) -> list[Obj]:
    """Return the conditions of `obj` with some set to (status, reason, message); times move with the status."""
    out = {one["type"]: one for one in (obj.get("status") or {}).get("conditions") or ()}
    for kind, (status, reason, message) in conditions.items():
        old = out.get(kind, {})
        moved = old.get("lastTransitionTime", now) if old.get("status") == status else now
        out[kind] = {
            "type": kind,
            "status": status,
            "lastTransitionTime": moved,
            **({"reason": reason} if reason else {}),
            **({"message": message} if message else {}),
        }
    return list(out.values())


def is_broken(template_spec: Obj) -> bool:
    """Tell whether a Pod of this spec never becomes ready: an image named `…crash…`, or tagged `broken`."""
    return any(_BROKEN.search(container.get("image", "")) for container in template_spec.get("containers") or ())


def is_deleting(obj: Obj) -> bool:
    return "deletionTimestamp" in obj["metadata"]

"""Deletion: preconditions, propagation, finalizers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.sim import answers
from gitopsd.sim.answers import Invalid, Resource
from gitopsd.sim.incoming import Obj, RequestTarget, WriteOptions
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.writes import MERGE_PATCH, Writes

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_POLICIES = {"": "", "Background": "", "Foreground": FOREGROUND, "Orphan": ORPHAN}
_ANSWERED_WITH_THE_OBJECT = frozenset(
    {"Pod", "Service", "ServiceAccount", "PersistentVolumeClaim", "ResourceQuota", "StorageClass"}
)
_TERMINATING = {
    "type": "Terminating",
    "status": "True",
    "reason": "InstanceDeletionPending",
    "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
}
_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class Deletion:
    """How to delete."""

    uid: str = ""  # preconditions; "" is none
    version: str = ""
    finalizer: str = ""  # that the propagation policy puts on the object
    dry_run: bool = False

    @staticmethod
    def parse(kind: ServedKind, body: Any, query: Mapping[str, str]) -> Deletion:
        """Return what DeleteOptions in the body, or else in the query, ask for.

        Raises:
            Refusal: 400 or 422, they cannot be understood.
        """
        if body is not None and not isinstance(body, dict):
            raise answers.bad_request("DeleteOptions must be an object")
        options = body or {}
        policy = options.get("propagationPolicy") or query.get("propagationPolicy") or ""
        if not policy and kind.kind == "Job" and not kind.custom:
            policy = "Orphan"  # so it was before there was garbage collection, and so it stayed
        if policy not in _POLICIES:
            error = Invalid("propagationPolicy", f'Unsupported value: "{policy}"', "FieldValueNotSupported")
            raise answers.invalid(Resource("meta.k8s.io", "deleteoptions", "DeleteOptions"), "", [error])
        if options.get("orphanDependents") or query.get("orphanDependents") == "true":
            policy = "Orphan"
        conditions = options.get("preconditions") or {}
        dry = options.get("dryRun") or ([query["dryRun"]] if "dryRun" in query else [])
        return Deletion(
            conditions.get("uid") or "", conditions.get("resourceVersion") or "", _POLICIES[policy], dry == ["All"]
        )


def delete(writes: Writes, target: RequestTarget, deletion: Deletion) -> Obj:
    """Delete an object, or begin to; return the server's answer: a Status, or the object that stays a while.

    Raises:
        Refusal: 404; 409, it is not the one that was meant.
    """
    kind, name = target.kind, target.name
    obj = writes.existing(target)
    metadata = obj["metadata"]
    if deletion.uid and deletion.uid != metadata["uid"]:
        raise answers.precondition(kind.resource, name, "UID", deletion.uid, metadata["uid"])
    if deletion.version and deletion.version != metadata["resourceVersion"]:
        raise answers.precondition(
            kind.resource, name, "ResourceVersion", deletion.version, metadata["resourceVersion"]
        )
    finalizers = [one for one in metadata.get("finalizers", ()) if one not in (FOREGROUND, ORPHAN)]
    if deletion.finalizer:
        finalizers.append(deletion.finalizer)
    if kind.kind == "CustomResourceDefinition" and not kind.custom and _CLEANUP not in finalizers:
        finalizers.append(_CLEANUP)
    lingers = bool(finalizers) or (kind.kind == "Namespace" and not kind.custom)
    if not lingers:
        if not deletion.dry_run:
            writes.store.remove(kind.group_plural, _bare(obj))
        if kind.kind in _ANSWERED_WITH_THE_OBJECT and not kind.custom:
            return _marked(writes, obj) if kind.kind == "Pod" else obj
        return answers.success(kind.resource, name, metadata["uid"])
    return _begun(writes, kind, obj, finalizers, deletion)


def _begun(writes: Writes, kind: ServedKind, obj: Obj, finalizers: list[str], deletion: Deletion) -> Obj:
    marked = obj if "deletionTimestamp" in obj["metadata"] else _marked(writes, obj)
    metadata = {**marked["metadata"]}
    new = {**marked, "metadata": metadata}
    if finalizers:
        metadata["finalizers"] = finalizers
    if kind.kind == "CustomResourceDefinition" and not kind.custom:
        metadata["generation"] = obj["metadata"]["generation"]
        metadata.pop("deletionGracePeriodSeconds", None)
        terminating = {**_TERMINATING, "lastTransitionTime": writes.now()}
        new["status"] = {**obj["status"], "conditions": [*_other_conditions(obj), terminating]}
    if kind.kind == "Namespace" and not kind.custom:
        del metadata["deletionGracePeriodSeconds"]
        new["status"] = {**obj["status"], "phase": "Terminating"}
    if new != obj and not deletion.dry_run:
        writes.store.put(kind.group_plural, _bare(new))
    return new


def _other_conditions(obj: Obj) -> list[Obj]:
    return [one for one in obj["status"].get("conditions") or () if one["type"] != _TERMINATING["type"]]


def _marked(writes: Writes, obj: Obj) -> Obj:
    metadata = {**obj["metadata"], "deletionTimestamp": writes.now(), "deletionGracePeriodSeconds": 0}
    if metadata.get("generation"):
        metadata["generation"] += 1
    return {**obj, "metadata": metadata}


def finalize(writes: Writes, target: RequestTarget, *finalizers: str) -> None:
    """Take finalizers off an object, which goes when it was waiting for just these."""
    obj = writes.live(target)
    if obj is None:
        return
    remaining = [one for one in obj["metadata"].get("finalizers", ()) if one not in finalizers]
    patch = {"metadata": {"finalizers": remaining or None}}
    writes.patch(target, MERGE_PATCH, patch, WriteOptions("kube-controller-manager"))


def _bare(obj: Obj) -> Obj:
    return {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}

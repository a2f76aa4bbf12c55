"""What an update may not change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsd.sim.answers import Invalid
from gitopsd.sim.kinds import ServedKind

Obj = dict[str, Any]
_FIELDS: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.selector", "spec.template", "spec.completionMode"),
    "Secret": ("type",),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    "PriorityClass": ("value",),
    "CustomResourceDefinition": ("spec.group", "spec.scope", "spec.names.plural"),
}
_SCHEDULING = frozenset({"nodeSelector", "tolerations", "schedulingGates"})
_STATEFUL_MUTABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)


def changes(kind: ServedKind, old: Obj, new: Obj) -> Iterator[Invalid]:
    """Yield what differs between `old` and `new` and may not."""
    yield from _metadata(old["metadata"], new["metadata"])
    if kind.custom:
        return
    if kind.kind == "Job":
        old, new = _scheduled_alike(old, new)
    for path in _FIELDS.get(kind.kind, ()):
        if _at(old, path) != _at(new, path):
            yield Invalid(path, f"Invalid value: {_at(new, path)}: field is immutable")
    match kind.kind:
        case "StatefulSet":
            yield from _stateful_set(old["spec"], new["spec"])
        case "ConfigMap" | "Secret":
            yield from _frozen(old, new)
        case "Service":
            yield from _cluster_ip(old["spec"], new["spec"])
        case "PersistentVolumeClaim":
            yield from _claim(old["spec"], new["spec"])
        case "Pod":
            yield from _pod(old["spec"], new["spec"])
        case _:
            return


def _scheduled_alike(old: Obj, new: Obj) -> tuple[Obj, Obj]:
    """Return a Job before and now without what may change while it is suspended: where and on what its Pods run."""
    if not (old["spec"].get("suspend") and not old.get("status", {}).get("startTime")):
        return old, new
    return _unscheduled(old), _unscheduled(new)


def _unscheduled(job: Obj) -> Obj:
    template = job["spec"]["template"]
    spec = {name: value for name, value in template["spec"].items() if name not in _SCHEDULING}
    for group in ("containers", "initContainers"):
        if group in spec:
            spec[group] = [{**one, "resources": {}} for one in spec[group]]
    affinity = {name: part for name, part in (spec.get("affinity") or {}).items() if name != "nodeAffinity"}
    spec["affinity"] = affinity
    return {**job, "spec": {**job["spec"], "template": {"spec": spec}}}


def _at(obj: Any, path: str) -> Any:
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _metadata(old: Obj, new: Obj) -> Iterator[Invalid]:
    for name in ("uid", "creationTimestamp"):
        if new.get(name) != old.get(name):
            yield Invalid(f"metadata.{name}", f'Invalid value: "{new.get(name)}": field is immutable')
    added = [one for one in new.get("finalizers", ()) if one not in old.get("finalizers", ())]
    if old.get("deletionTimestamp") and added:
        message = (
            f"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {added}"
        )
        yield Invalid("metadata.finalizers", message, "FieldValueForbidden")


def _stateful_set(old: Obj, new: Obj) -> Iterator[Invalid]:
    fixed = (old.keys() | new.keys()) - _STATEFUL_MUTABLE
    if any(old.get(name) != new.get(name) for name in fixed):
        message = "Forbidden: updates to statefulset spec for fields other than some are forbidden"
        yield Invalid("spec", message, "FieldValueForbidden")


def _frozen(old: Obj, new: Obj) -> Iterator[Invalid]:
    if not old.get("immutable"):
        return
    message = "Forbidden: field is immutable when `immutable` is set"
    for name in ("immutable", "data", "binaryData"):
        if old.get(name) != new.get(name):
            yield Invalid(name, message, "FieldValueForbidden")


def _cluster_ip(old: Obj, new: Obj) -> Iterator[Invalid]:
    inside = old["type"] != "ExternalName" != new["type"]
    if inside and old.get("clusterIP") and new.get("clusterIP") != old["clusterIP"]:
        ips = [new["clusterIP"]] if new.get("clusterIP") else None
        yield Invalid("spec.clusterIPs[0]", f"Invalid value: {ips}: may not change once set")


def _claim(old: Obj, new: Obj) -> Iterator[Invalid]:
    fixed = (old.keys() | new.keys()) - {"resources", "volumeName", "volumeAttributesClassName"}
    if any(old.get(name) != new.get(name) for name in fixed):
        message = "Forbidden: spec is immutable after creation except resources.requests"
        yield Invalid("spec", message, "FieldValueForbidden")


def _pod(old: Obj, new: Obj) -> Iterator[Invalid]:
    def fixed(spec: Obj) -> Obj:
        fields = {name: value for name, value in spec.items() if name not in ("nodeName", "activeDeadlineSeconds")}
        for group in ("containers", "initContainers"):
            fields[group] = [{**one, "image": ""} for one in spec.get(group, ())]
        return {**fields, "tolerations": None}

    if fixed(old) != fixed(new):
        message = "Forbidden: pod updates may not change fields other than images, deadlines and tolerations"
        yield Invalid("spec", message, "FieldValueForbidden")

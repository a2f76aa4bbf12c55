"""What the server itself sets when an object of a built-in kind is created or changed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from gitopsd.sim.decode import zero
from gitopsd.sim.defaults import TEMPLATE_GENERATION
from gitopsd.sim.fieldset import Fields, only, without
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.schema import Struct
from gitopsd.sim.services import Addresses, prepare_service

Obj = dict[str, Any]
_JOB_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
_NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")
_PROTECTION = "kubernetes.io/pvc-protection"


def fold_string_data(obj: Obj) -> None:
    """Move a Secret's stringData into its data, in place."""
    for key, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def stored(kind: ServedKind, obj: Obj) -> Obj:
    """Return `obj` as it comes back from the store, which does not tell null bytes from empty ones."""
    name = {"ConfigMap": "binaryData", "Secret": "data"}.get("" if kind.custom else kind.kind)
    if name is None or None not in (obj.get(name) or {}).values():
        return obj
    return {**obj, name: {key: value or "" for key, value in obj[name].items()}}


def prepare_new(kind: ServedKind, obj: Obj, addresses: Addresses) -> None:
    """Set what the server sets in a new object, in place."""
    if kind.generation:
        obj["metadata"]["generation"] = 1
    else:
        obj["metadata"].pop("generation", None)
    if kind.status:
        _reset_status(kind, obj)
    if kind.custom:
        return
    if kind.kind == "Service":
        prepare_service(obj, None, addresses)
    prepare = _PREPARE.get(kind.kind)
    if prepare is not None:
        prepare(obj)


def _namespace(obj: Obj) -> None:
    obj["spec"]["finalizers"] = ["kubernetes"]
    obj["status"] = {"phase": "Active"}


def _claim(obj: Obj) -> None:
    obj["status"] = {"phase": "Pending"}
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if _PROTECTION not in finalizers:
        finalizers.append(_PROTECTION)


def _definition(obj: Obj) -> None:
    stored = [one["name"] for one in obj["spec"].get("versions") or () if one["storage"]]
    obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}


def _daemon_set(obj: Obj) -> None:
    obj["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def _autoscaler(obj: Obj) -> None:
    obj["status"] = {"desiredReplicas": 0, "currentMetrics": None}


def _reset_status(kind: ServedKind, obj: Obj) -> None:
    status = kind.type.fields.get("status")
    if kind.custom:
        obj.pop("status", None)
    elif status is not None and isinstance(status.type, Struct) and kind.kind != "Pod":
        obj["status"] = zero(status.type)


def _job(obj: Obj) -> None:
    uid, name, spec = obj["metadata"]["uid"], obj["metadata"]["name"], obj["spec"]
    if spec.get("manualSelector"):
        return
    spec["selector"] = {"matchLabels": {_JOB_LABELS[1]: uid}}
    labels = spec["template"]["metadata"].setdefault("labels", {})
    labels.update(dict.fromkeys(_JOB_LABELS, uid))
    labels.update(dict.fromkeys(_NAME_LABELS, name))
    if not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)


def _pod(obj: Obj) -> None:
    admit_pod(obj["spec"])
    obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}


def admit_pod(spec: Obj) -> None:
    """Set what admission sets in every Pod, new or changed."""
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key") == key for one in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})


def qos_class(spec: Obj) -> str:
    """Return a Pod's quality of service class."""
    containers = [*spec["containers"], *spec.get("initContainers", ())]
    resources = [container["resources"] for container in containers]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    for one in resources:
        limits, requests = one.get("limits", {}), one.get("requests", {})
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"


def keep_status(kind: ServedKind, obj: Obj, old: Obj) -> None:
    """Let an update of an object leave its status alone, in place."""
    if kind.status:
        if "status" in old:
            obj["status"] = old["status"]
        else:
            obj.pop("status", None)


def only_status(kind: ServedKind, obj: Obj, old: Obj) -> Obj:
    """Return `old` with what an update of the status subresource takes of `obj`.

    That is the status, and for built-in kinds the metadata too: so a Deployment's controller writes its annotation.
    """
    out = {name: value for name, value in old.items() if name != "status"}
    if "status" in obj:
        out["status"] = obj["status"]
    if kind.custom:
        kept = {k: v for k, v in obj["metadata"].items() if k in ("managedFields", "resourceVersion")}
        return {**out, "metadata": {**old["metadata"], **kept}}
    metadata = dict(obj["metadata"])
    if kind.kind == "Deployment":
        metadata.pop("labels", None)
        if "labels" in old["metadata"]:
            metadata["labels"] = old["metadata"]["labels"]
    return {**out, "metadata": metadata}


def of_status(kind: ServedKind, fields: Fields) -> Fields:
    """Return the fields that a write to the status subresource can own."""
    if kind.custom:
        return only(fields, "f:status")
    out = without(fields, "f:spec")
    if kind.kind == "Deployment" and "f:metadata" in out:
        out["f:metadata"] = without(out["f:metadata"], "f:labels")
        if not out["f:metadata"]:
            del out["f:metadata"]
    return out


def prepare_changed(kind: ServedKind, obj: Obj, old: Obj, addresses: Addresses) -> None:
    """Set what the server sets in an object of a built-in kind that an update changes, in place."""
    match kind.kind:
        case "Service":
            prepare_service(obj, old, addresses)
        case "Namespace":
            obj["spec"] = old["spec"]
        case "Pod":
            admit_pod(obj["spec"])
        case "DaemonSet":
            before = int(old["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, "1"))
            moved = obj["spec"]["template"] != old["spec"]["template"]
            obj["metadata"]["annotations"][TEMPLATE_GENERATION] = f"{before + moved}"
        case _:
            pass


def moves_generation(kind: ServedKind, old: Obj, new: Obj) -> bool:
    """Tell whether an update is one that a kind's generation counts."""
    also = {"Deployment": "annotations", "EndpointSlice": "labels"}.get("" if kind.custom else kind.kind)
    if also and old["metadata"].get(also) != new["metadata"].get(also):
        return True
    return spec_changed(old, new)


def spec_changed(old: Obj, new: Obj) -> bool:
    """Tell whether anything but metadata and status differs."""
    aside = ("metadata", "status", "apiVersion", "kind")
    return {k: v for k, v in old.items() if k not in aside} != {k: v for k, v in new.items() if k not in aside}


_PREPARE: dict[str, Callable[[Obj], None]] = {
    "Namespace": _namespace,
    "Job": _job,
    "DaemonSet": _daemon_set,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "CustomResourceDefinition": _definition,
    "HorizontalPodAutoscaler": _autoscaler,
}

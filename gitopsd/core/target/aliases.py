"""Fields of Kubernetes that have two names, of which the server fills in the one that a manifest leaves out.

What it fills in is nobody's. So where Git drops the field, its other name would go on saying it.
"""

from __future__ import annotations

from typing import Any

from gitopsd.model.manifest import GroupKind, Manifest

NAMES = ("serviceAccountName", "serviceAccount")  # of a Pod's account; the second is deprecated
TEMPLATE = ("spec", "template", "spec")
POD_SPECS = {  # where a kind has the spec of its Pods
    GroupKind("", "Pod"): ("spec",),
    GroupKind("", "PodTemplate"): ("template", "spec"),
    GroupKind("", "ReplicationController"): TEMPLATE,
    GroupKind("apps", "DaemonSet"): TEMPLATE,
    GroupKind("apps", "Deployment"): TEMPLATE,
    GroupKind("apps", "ReplicaSet"): TEMPLATE,
    GroupKind("apps", "StatefulSet"): TEMPLATE,
    GroupKind("batch", "CronJob"): ("spec", "jobTemplate", *TEMPLATE),
    GroupKind("batch", "Job"): TEMPLATE,
}


def with_both_names(manifest: Manifest, kind: GroupKind) -> Manifest:
    """Return `manifest` with the account of its Pods under both names, where it has it under one."""
    path = POD_SPECS.get(kind)
    return manifest if path is None else _named(manifest, path)


def _named(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict):
        return value  # the server refuses it, in words of its own
    if path:
        return {**value, path[0]: _named(value[path[0]], path[1:])} if path[0] in value else value
    value_named = next((value[name] for name in NAMES if value.get(name)), None)
    missing = [name for name in NAMES if not value.get(name)]
    return value if value_named is None or not missing else {**value, missing[0]: value_named}

"""Objects without which the server refuses another that names them: a Pod's account, the role of a binding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from gitopsd.core.objects.fields import WrongShape, mapping_at, text_at
from gitopsd.core.target.aliases import NAMES
from gitopsd.model.manifest import GroupKind, Manifest, ResourceKey, key_of

RBAC = "rbac.authorization.k8s.io"


def needs_any(manifest: Manifest, missing: Collection[ResourceKey]) -> bool:
    """Tell whether the server may refuse `manifest` only because an object of `missing` is not there.

    What admission looks for is known of Pods and bindings. What webhooks look for is not: of a kind of any group with a
    dot in its name it is every object whose name stands in the manifest outside its metadata.
    """
    if not missing:
        return False
    key = key_of(manifest)
    needs = NEEDS.get(key.group_kind)
    if needs is None:
        names = {key_missing.name for key_missing in missing if key_missing != key} if "." in key.group else set()
        return any(text in names for name, value in manifest.items() if name != "metadata" for text in _texts(value))
    try:
        return any(needed in missing for needed in needs(key, manifest))
    except WrongShape:
        return False  # the server refuses it for that


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _of_pod(key: ResourceKey, manifest: Manifest) -> Iterator[ResourceKey]:
    account = next((name for field in NAMES if (name := text_at(manifest, "spec", field))), "default")
    yield ResourceKey("", "ServiceAccount", key.namespace, account)
    yield ResourceKey("scheduling.k8s.io", "PriorityClass", "", text_at(manifest, "spec", "priorityClassName"))
    yield ResourceKey("node.k8s.io", "RuntimeClass", "", text_at(manifest, "spec", "runtimeClassName"))


def _of_binding(key: ResourceKey, manifest: Manifest) -> Iterator[ResourceKey]:
    role = mapping_at(manifest, "roleRef")
    kind = text_at(role, "kind")
    yield ResourceKey(RBAC, kind, key.namespace if kind == "Role" else "", text_at(role, "name"))


NEEDS: dict[GroupKind, Callable[[ResourceKey, Manifest], Iterator[ResourceKey]]] = {
    GroupKind("", "Pod"): _of_pod,
    GroupKind(RBAC, "RoleBinding"): _of_binding,
    GroupKind(RBAC, "ClusterRoleBinding"): _of_binding,
}

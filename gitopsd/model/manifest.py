"""A Kubernetes object as parsed JSON, and the names by which it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]  # one Kubernetes object as parsed JSON; read-only by agreement


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    """A type without its version."""

    group: str  # "" for the core group
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}"


@dataclass(frozen=True, slots=True, order=True)
class GVK:
    """A type at one version."""

    group: str  # "" for the core group
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """Where one object lives in one cluster. No version: the same object is served at several."""

    group: str  # "" for the core group
    kind: str
    namespace: str  # "" for cluster-scoped
    name: str

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}:{self.namespace}/{self.name}"


def gvk_of(manifest: Manifest) -> GVK:
    """Return the type of a manifest that has passed the border: apiVersion and kind are there."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    return GVK(group, version, manifest["kind"])


def key_of(manifest: Manifest) -> ResourceKey:
    """Return the key of a manifest that has passed the border: apiVersion, kind and name are there."""
    group, _, _ = manifest["apiVersion"].rpartition("/")
    meta = manifest["metadata"]
    return ResourceKey(group, manifest["kind"], meta.get("namespace") or "", meta["name"])


def annotations_of(manifest: Manifest) -> Mapping[str, str]:
    """Return the annotations of `manifest`; empty when the field is absent or null."""
    annotations: Mapping[str, str] | None = manifest["metadata"].get("annotations")
    return annotations or {}


def labels_of(manifest: Manifest) -> Mapping[str, str]:
    """Return the labels of `manifest`; empty when the field is absent or null."""
    labels: Mapping[str, str] | None = manifest["metadata"].get("labels")
    return labels or {}

"""A Secret's values never leave: masked by type, before anything is written into an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitopsd.model.manifest import Manifest

MASK = "++++++++"
VALUES = ("data", "stringData")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # holds the whole object (CVE-2026-45737)


class Masks:
    """Masks the states of one object: equal values get equal masks, different ones differ in length and say no more."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}

    def masked(self, manifest: Manifest) -> Manifest:
        """Return `manifest` fit to be shown; what is not a Secret is returned as it is, and a List item by item."""
        if _is_list(manifest):
            return {**manifest, "items": list(self._items(manifest["items"]))}
        if not _is_secret(manifest):
            return manifest
        values = {name: self._values(manifest[name]) for name in VALUES if name in manifest}
        metadata = manifest.get("metadata")
        if isinstance(metadata, Mapping):
            values["metadata"] = self._metadata(metadata)
        return {**manifest, **values}

    def _items(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            yield self.masked(item) if isinstance(item, Mapping) else item

    def _values(self, values: Any) -> Any:
        if isinstance(values, Mapping):
            return {name: self._mask(value) for name, value in values.items()}
        return values if values is None else self._mask(values)  # of the wrong type: hidden whole (CVE-2025-23216)

    def _metadata(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        annotations = metadata.get("annotations")
        if not isinstance(annotations, Mapping) or LAST_APPLIED not in annotations:
            return metadata
        return {**metadata, "annotations": {**annotations, LAST_APPLIED: self._mask(annotations[LAST_APPLIED])}}

    def _mask(self, value: Any) -> str:
        return self._masks.setdefault(repr(value), MASK + "+" * len(self._masks))


def _is_secret(manifest: Manifest) -> bool:
    api_version = str(manifest.get("apiVersion", "v1"))
    return manifest.get("kind") == "Secret" and "/" not in api_version


def _is_list(manifest: Manifest) -> bool:
    return str(manifest.get("kind", "")).endswith("List") and isinstance(manifest.get("items"), list)

"""Targets at rest: what is in sync is looked at when somebody opens it, so until then it is kept as text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from gitopsd.model.comparison import Compared, Comparison, SyncStatus
from gitopsd.model.manifest import Manifest

LARGE_BYTES = 1024  # text that is worth packing: a definition of 200 KB becomes 20


class CompressedManifest(Mapping[str, Any]):
    """A manifest that is unpacked whenever it is read, but for its type."""

    __slots__ = ("_api_version", "_kind", "_text")

    def __init__(self, manifest: Manifest) -> None:
        self._api_version, self._kind = manifest["apiVersion"], manifest["kind"]
        text = orjson.dumps(manifest)
        self._text = zlib.compress(text, 1) if len(text) > LARGE_BYTES else text

    def whole(self) -> Manifest:
        """Return the manifest as it was."""
        text = self._text if self._text.startswith(b"{") else zlib.decompress(self._text)
        manifest: Manifest = orjson.loads(text)
        return manifest

    def __getitem__(self, name: str) -> Any:
        if name == "apiVersion":
            return self._api_version
        return self._kind if name == "kind" else self.whole()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())


def at_rest(comparison: Comparison) -> Comparison:
    """Return `comparison` with the targets of what is in sync shelved."""
    return replace(comparison, resources=tuple(map(_shelved, comparison.resources)))


def whole(manifest: Manifest) -> Manifest:
    """Return `manifest` as it was before it may have been shelved."""
    return manifest.whole() if isinstance(manifest, CompressedManifest) else manifest


def _shelved(compared: Compared) -> Compared:
    target = compared.pair.target
    if target is None or compared.status is not SyncStatus.SYNCED:
        return compared
    return replace(compared, pair=replace(compared.pair, target=CompressedManifest(target)))

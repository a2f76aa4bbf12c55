"""128-bit digests over canonical JSON: equal values, equal hash, in every process and every release."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey


def digest(value: Any) -> str:
    """Return the BLAKE2b-128 of `value` in canonical JSON, as hex. Raises TypeError for what is not JSON."""
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def object_hash(manifest: Manifest) -> TargetHash:
    """Return the hash of one object in apply form.

    Raises:
        InvalidManifest: it holds what JSON cannot: a number above 64 bits, half a surrogate pair, 254 levels.
    """
    try:
        return TargetHash(digest(manifest))
    except TypeError as err:
        raise InvalidManifest(
            f"{manifest.get('kind')} {manifest['metadata'].get('name')!r} is not JSON: {err}",
            remedy="quote large numbers, and nest less deeply",
        ) from err


def target_hash(hashes: Mapping[ResourceKey, TargetHash]) -> TargetHash:
    """Return the hash of a whole target, whatever the order of its objects."""
    return TargetHash(digest([[str(key), hashes[key]] for key in sorted(hashes)]))

"""Rendered outcomes that this process used lately: a pass over what has not changed asks nobody for its manifests."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from cachetools import LRUCache

MOST_BYTES = 16 << 20  # packed; some 10,000 applications of ten objects
KEPT_S = 3600.0  # then it is read from Redis once more, where what nobody reads expires


class MemoryCache:
    """Outcomes by the key of what they were rendered from, which never has another one."""

    def __init__(self, clock: Callable[[], float], most_bytes: int = MOST_BYTES) -> None:
        """Keep up to `most_bytes`; `clock` gives seconds and only goes forward."""
        self._clock = clock
        self._kept: LRUCache[str, tuple[float, bytes]] = LRUCache(most_bytes, getsizeof=lambda entry: len(entry[1]))

    def get(self, key: str) -> bytes | None:
        """Return what was put under `key`; None where that is long ago, or was too much to keep."""
        since_s, packed = self._kept.get(key, (0.0, b""))
        if not packed:
            return None
        if self._clock() - since_s > KEPT_S:
            del self._kept[key]
            return None
        return zlib.decompress(packed)

    def put(self, key: str, outcome: bytes) -> None:
        packed = zlib.compress(outcome, 1)
        if len(packed) <= self._kept.maxsize // 8:  # else it would push out much of the rest
            self._kept[key] = self._clock(), packed

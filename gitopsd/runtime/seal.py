"""One authenticated cipher for what lies where others may read or write it; the key lies elsewhere."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

KEY_BYTES, NONCE_BYTES = 32, 12


class Seal:
    def __init__(self, key: bytes) -> None:
        """Seal with `key`, of `KEY_BYTES`."""
        self._aead = AESGCMSIV(key)

    def sealed(self, name: str, value: bytes) -> bytes:
        """Return `value` as nobody reads it without the key, and as it opens under no other name."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, name.encode())

    def opened(self, name: str, sealed: bytes) -> bytes | None:
        """Return what was sealed under `name`; None for what was forged, swapped, cut, or sealed by another key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return None

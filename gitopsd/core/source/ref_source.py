"""Look-ups in what other sources lend by their `ref`: keys of a closure that name the source before the place."""

from __future__ import annotations

from collections.abc import Iterable

KIND = "ref:"  # then the source's ref, a colon, and the key as its own closure has it


def lent_key(ref: str, key: str) -> str:
    """Return the key of a look-up in the source that is known as `ref`."""
    return f"{KIND}{ref}:{key}"


def parted(looked_up: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys by whose they are, as that source's own closure has them; "" is the source that was rendered."""
    found: dict[str, list[str]] = {}
    for key in looked_up:
        ref, _, own = key.removeprefix(KIND).partition(":") if key.startswith(KIND) else ("", "", key)
        found.setdefault(ref, []).append(own)
    return found

"""Look-ups in what other sources lend by their `ref`: keys of a closure that name the source before the place."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.errors import BaseNotLent, NotLent

KIND = "ref:"  # then the source's ref, a colon, and the key as its own closure has it


def not_lent(names: Iterable[str]) -> BaseNotLent:
    """Return the error of a render that needs what goes by `names`, and that nobody lent it."""
    missing = tuple(sorted(names))
    return BaseNotLent(
        f"not at hand yet: {' '.join(missing)}", remedy="what is missing is fetched first", details=NotLent(missing)
    )


def lent_key(ref: str, key: str) -> str:
    """Return the key of a look-up in the source that is known as `ref`."""
    return f"{KIND}{ref}:{key}"


def parted(looked_up: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys by whose they are, as that source's own closure has them; "" is the source that was rendered."""
    by_ref: dict[str, list[str]] = {}
    for key in looked_up:
        ref, _, own = key.removeprefix(KIND).partition(":") if key.startswith(KIND) else ("", "", key)
        by_ref.setdefault(ref, []).append(own)
    return by_ref

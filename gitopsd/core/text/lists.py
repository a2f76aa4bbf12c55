"""Lists as a person reads them in one line: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def first_of(items: Sequence[object], most: int, *, between: str = ", ") -> str:
    """Return the first `most` of `items`, joined, and how many more there are: `a, b and 3 more`."""
    joined = between.join(map(str, items[:most]))
    return joined if len(items) <= most else f"{joined} and {len(items) - most} more"

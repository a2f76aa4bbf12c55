"""The name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 64  # difflib's time grows with the square of the length, and the name may be anybody's


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return `did you mean X?` for the known name closest to `name`; "" where none is close."""
    if len(name) > LONGEST:
        return ""
    names = sorted(choices)
    same = [other for other in names if other.lower() == name.lower()]
    close = same or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""

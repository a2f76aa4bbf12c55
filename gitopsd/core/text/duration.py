"""Durations as Go writes them, which is how Argo CD's manifests do."""

from __future__ import annotations

import re

UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = r"([0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(ns|us|µs|μs|ms|s|m|h)"
WHOLE = re.compile(rf"(?:{PART})+")
LONGEST_S = 2**63 * 1e-9  # what Go's int64 of nanoseconds holds


def go_duration_s(text: str) -> float | None:
    """Return the seconds that `text` writes; None where it is no duration, is negative or is too long.

    Takes what Go's time.ParseDuration does ("5s", "3m0s", "1.5h", "0"), and plain whole seconds ("90"), which
    Argo CD takes for its back-offs too.
    """
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    # Bounded before matched: the text is anybody's.
    if len(text) > 64 or not WHOLE.fullmatch(text):  # noqa: PLR2004 - no duration that means anything is longer
        return None
    total = sum(float(number) * UNITS_S[unit] for number, unit in re.findall(PART, text))
    return total if total < LONGEST_S else None


def go_duration(seconds: float) -> str:
    """Return whole seconds as people write them for Go: "8h", "1h30m", "45s"."""
    rest = round(seconds)
    parts = [(rest // 3600, "h"), (rest % 3600 // 60, "m"), (rest % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"

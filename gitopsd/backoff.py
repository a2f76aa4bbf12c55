"""How long to wait after failures in a row, whatever fails: one rule for all."""

from __future__ import annotations

LONGEST_S = 300.0


def backoff_s(failures: int, *, first_s: float = 1.0, longest_s: float = LONGEST_S, factor: float = 2.0) -> float:
    """Return the wait before attempt `failures + 1`: `first_s`, times `factor` after each, `longest_s` at most."""
    # The exponent is capped, not only the product: 2.0 ** 1024 raises OverflowError, and a cluster that stays down
    # for a week gets there.
    return min(longest_s, first_s * factor ** max(0, min(failures - 1, 20)))

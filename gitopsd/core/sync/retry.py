"""What an error means for its work: after how long it is tried again, or never."""

from __future__ import annotations

from gitopsd.errors import NotFetchedYet, Retryable

MAX_BACKOFF_S = 300.0
NOT_FETCHED_S = 3.0  # that a first fetch fails is told by nothing, and a person waits to hear of it


def retry_after_s(error: Exception, failures: int) -> float | None:
    """Return the wait before the next try after `failures` failures in a row; None: only once something has changed.

    The whole policy: what is `Retryable` may get better by itself; a `Terminal` and the unforeseen wait for a change
    in Git, settings or cluster, since the same input would fail the same way.
    """
    if isinstance(error, NotFetchedYet):
        return NOT_FETCHED_S
    return backoff_s(failures) if isinstance(error, Retryable) else None


def backoff_s(failures: int, *, first_s: float = 1.0, longest_s: float = MAX_BACKOFF_S, factor: float = 2.0) -> float:
    """Return the wait before attempt `failures + 1`: `first_s`, times `factor` after each, `longest_s` at most."""
    # The exponent is capped, not only the product: 2.0 ** 1024 raises OverflowError, and a cluster that stays down
    # for a week gets there.
    return min(longest_s, first_s * factor ** max(0, min(failures - 1, 20)))

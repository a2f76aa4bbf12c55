"""What an error means for its work: after how long it is tried again, or never."""

from __future__ import annotations

from gitopsd.backoff import backoff_s
from gitopsd.errors import NotFetchedYet, Retryable

NOT_FETCHED_S = 3.0  # that a first fetch fails is told by nothing, and a person waits to hear of it


def retry_after_s(error: Exception, failures: int) -> float | None:
    """Return the wait before the next try after `failures` failures in a row; None: only once something has changed.

    The whole policy: what is `Retryable` may get better by itself; a `Terminal` and the unforeseen wait for a change
    in Git, settings or cluster, since the same input would fail the same way.
    """
    if isinstance(error, NotFetchedYet):
        return NOT_FETCHED_S
    return backoff_s(failures) if isinstance(error, Retryable) else None

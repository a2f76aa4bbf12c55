"""What an error means for its work."""

from __future__ import annotations

import pytest

from gitopsd.backoff import backoff_s
from gitopsd.core.sync.retry import retry_after_s
from gitopsd.errors import ClusterUnreachable, InvalidManifest, NotFetchedYet


@pytest.mark.parametrize(("failures", "wait_s"), [(0, 1.0), (1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (5000, 300.0)])
def test_rest_doubles_up_to_five_minutes(failures: int, wait_s: float) -> None:
    assert wait_s == backoff_s(failures)


def test_only_what_may_get_better_by_itself_is_tried_again() -> None:
    assert 2.0 == retry_after_s(ClusterUnreachable("c1", remedy="wait"), 2)
    assert retry_after_s(InvalidManifest("x", remedy="mend it"), 2) is None
    assert retry_after_s(ZeroDivisionError(), 2) is None


def test_first_fetch_is_waited_for_without_asking_again_and_again() -> None:
    assert (3.0, 3.0) == tuple(retry_after_s(NotFetchedYet("x", remedy="wait"), failures) for failures in (1, 5))

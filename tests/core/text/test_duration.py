from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.text.duration import go_duration, go_duration_s


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0s"), (45.0, "45s"), (5400.0, "1h30m"), (90061.0, "25h1m1s")])
def test_duration_is_written_as_people_write_it_for_go(seconds: float, text: str) -> None:
    assert text == go_duration(seconds)


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_again(seconds: int) -> None:
    assert float(seconds) == go_duration_s(go_duration(float(seconds)))

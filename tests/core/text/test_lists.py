"""Lists in one line."""

from __future__ import annotations

from gitopsd.core.text.lists import first_of


def test_a_list_is_cut_and_what_is_left_out_is_counted() -> None:
    assert "" == first_of([], 2)
    assert "a, b" == first_of(["a", "b"], 2)
    assert "a, b and 3 more" == first_of(list("abcde"), 2)
    assert "a; b and 1 more" == first_of(list("abc"), 2, between="; ")

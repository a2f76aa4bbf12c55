"""Globs, and that nobody can make them slow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.text.globs import matches


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*", ""),
        ("*", "a/b"),
        ("web", "web"),
        ("web-*", "web-"),
        ("web-?", "web-1"),
        ("{a,b}c", "bc"),
        ("{a,{b,c}}d", "cd"),
        ("[a-c]x", "bx"),
        ("[!a-c]x", "dx"),
        ("a.b", "a.b"),
        (r"\*", "*"),
        ("https://git/**", "https://git/a/b"),
        ("https://git/*/b", "https://git/a/b"),
        ("a[b", "a[b"),
    ],
)
def test_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text, separator="/")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "a"),
        ("web", "web-1"),
        ("a.b", "axb"),
        ("{a,b}c", "c"),
        ("[a-c]x", "dx"),
        ("https://git/*", "https://git/a/b"),
        ("a?b", "a/b"),
        (r"\*", "a"),
    ],
)
def test_does_not_match(pattern: str, text: str) -> None:
    assert not matches(pattern, text, separator="/")


def test_star_crosses_everything_where_there_is_no_separator() -> None:
    assert matches("https://*", "https://git/a/b")


def test_hostile_pattern_ends() -> None:
    assert not matches("*a" * 60 + "b", "a" * 250)
    assert not matches("{a,b}" * 60, "a" * 60)


@given(st.text("ab/*?[]{},\\", max_size=8), st.text("ab/", max_size=6), st.sampled_from(["", "/"]))
def test_what_is_seen_at_a_glance_is_what_all_steps_would_tell(pattern: str, text: str, separator: str) -> None:
    whole = matches(f"{{{pattern}}}", text, separator=separator)  # braces around it are no glance's

    if not {"{", "}", ",", "\\"} & set(pattern) and pattern != "*":
        assert whole == matches(pattern, text, separator=separator)

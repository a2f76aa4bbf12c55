"""Globs, and that nobody can make them slow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.text.globs import expression_of, fault_of, matches, matches_whole


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
        ("[abc-e]", "-"),
        (r"[\]a]", "]"),
        ("{[,],x}y", ",y"),
        (r"{a\,b,c}", "a,b"),
        (r"\}", "}"),
        ("{*}*?", "a"),
        ("a}b,c", "a}b,c"),
        ("a{b,c", "a{b,c"),
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
        ("[abc-e]", "d"),
        ("a*a", "a"),
        ("?", ""),
        ("[!a]", ""),
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


@pytest.mark.parametrize(
    "pattern", ["", "*", "a{b,{c,d}}", "[abc-e]", "[!a-b]", "{[,],x}", r"{\,}", "a}", "a,,b", r"\["]
)
def test_pattern_is_sound(pattern: str) -> None:
    assert "" == fault_of(pattern)


@pytest.mark.parametrize(
    "pattern", ["[", "[]", "[a-zA-Z]", "[z-a]", "{", "{a,}", "{}", "a{,b}", "{a,{b,}}", "\\", "{a,b}" * 9]
)
def test_pattern_that_others_read_otherwise_or_not_at_all_has_a_fault(pattern: str) -> None:
    assert fault_of(pattern)


PIECES = [
    "a",
    "b",
    "-",
    "/",
    ".",
    "\n",
    "*",
    "**",
    "?",
    "[ab]",
    "[!a]",
    "[a-c]",
    "[abc-e]",
    "[.^$]",
    r"[\]a]",
    "{a,b*}",
]


@given(
    st.lists(st.sampled_from([*PIECES, "{a,{b,?}}", r"\*", "}", ","]), max_size=6), st.text("abcd-/.*]\n,", max_size=8)
)
def test_expression_matches_what_its_glob_does(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)

    assert matches_whole(pattern, text) == (re.fullmatch(expression_of(pattern), text) is not None)

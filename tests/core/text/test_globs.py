"""Globs, and that nobody can make them slow."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.core.text.automaton import Alternation, Automaton, CharClass, GlobPart, Star
from gitopsd.core.text.globs import (
    DIRECTORY,
    DOUBLESTAR,
    FIELD,
    GO_PATH,
    REPOSITORY,
    WILDMATCH,
    Dialect,
    Glob,
    compiled,
    expression_of,
    fault_of,
    fixed_directory,
    matches,
)
from gitopsd.errors import InvalidManifest


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
    assert matches(pattern, text, REPOSITORY)


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
    assert not matches(pattern, text, REPOSITORY)


def test_star_crosses_everything_where_there_is_no_separator() -> None:
    assert matches("https://*", "https://git/a/b")


DIALECTS = (FIELD, REPOSITORY, DIRECTORY, GO_PATH, DOUBLESTAR, WILDMATCH)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.yaml", "a.yaml", True),
        ("*.yaml", "deep/down/a.yaml", True),  # Argo CD's "*" crosses "/"
        ("**/a.yaml", "deep/down/a.yaml", True),
        ("deep/*", "deep/down/a.yaml", True),
        ("{config.json,env-usw2/*}", "config.json", True),
        ("{config.json,env-usw2/*}", "env-usw2/a.yaml", True),
        ("{a,b{c,d}}.yaml", "bd.yaml", True),
        ("?.yaml", "a.yaml", True),
        ("[a-c].yaml", "b.yaml", True),
        ("[!a-c].yaml", "d.yaml", True),
        ("[ab-].yaml", "-.yaml", True),
        ("[!ab].yaml", "c.yaml", True),
        (r"\*.yaml", "*.yaml", True),
        ("a,b}.yaml", "a,b}.yaml", True),
        ("", "", True),
        ("a.y+ml", "a.y+ml", True),
        ("{a,}.yaml", ".yaml", True),
        ("*.yaml", "a.yml", False),
        ("a.yaml", "aXyaml", False),
        ("a.yaml", "deep/a.yaml", False),
        ("{a,b}.yaml", "c.yaml", False),
        ("[a-c].yaml", "d.yaml", False),
        ("[!a-c].yaml", "b.yaml", False),
        (r"\*.yaml", "a.yaml", False),
        ("?.yaml", "ab.yaml", False),
        ("a*a", "a", False),
    ],
)
def test_globs_of_a_directory_match_the_whole_path(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected is compiled(pattern, DIRECTORY).matches(path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/values.yaml", "values.yaml", True),
        ("**/values.yaml", "a/b/values.yaml", True),
        ("a/**", "a/b/c", True),
        ("a/*", "a/b/c", False),
        ("{prod,dev}-*.yaml", "dev-1.yaml", True),
        ("{prod,dev}-*.yaml", "x-1.yaml", False),
        ("v[0-9].yaml", "v7.yaml", True),
        ("v[!0-9].yaml", "v7.yaml", False),
        ("a[!b]c", "a/c", False),
        ("a**b", "a/b", False),
        ("***/a", "b/c/a", False),
    ],
)
def test_deep_globs_go_through_directories(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected is compiled(pattern, DOUBLESTAR).matches(path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [("a**b", "a/b", False), ("**", "a", True), ("{a,b}", "a", False), ("{a,b}", "{a,b}", True), ("[^a]", "b", True)],
)
def test_globs_of_go_have_neither_braces_nor_deep_stars(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected is compiled(pattern, GO_PATH).matches(path)


@pytest.mark.parametrize("pattern", ["{a,b", "[a", "[", "[!", "[z-a]", "a{b{c}"])
def test_glob_that_cannot_be_read_is_refused_or_stands_for_itself(pattern: str) -> None:
    with pytest.raises(InvalidManifest, match="cannot be read") as raised:
        compiled(pattern, DIRECTORY)
    assert pattern in raised.value.what
    assert matches(pattern, pattern)


@pytest.mark.parametrize("pattern", ["{a,b", "[a", "[", "[!", "a{b,c{"])
def test_bracket_or_brace_of_a_field_that_is_not_closed_is_a_character(pattern: str) -> None:
    assert matches(f"{pattern}*", f"{pattern}x")


@pytest.mark.parametrize("pattern", ["[a", "[[:nothing:]]", "a\\", "[z-"])
def test_glob_of_git_that_is_broken_matches_nothing(pattern: str) -> None:
    assert not any(compiled(pattern, WILDMATCH).matches(text) for text in (pattern, "a", "z", ""))


def test_star_beside_a_choice_of_stars_crosses_no_separator() -> None:
    assert not matches("{*,a}{*,b}", "a/b", REPOSITORY)


def test_fixed_directory_is_what_stands_before_the_first_wild_name() -> None:
    patterns = ("a/b/c*.yaml", "a*/b", "a/[b]/c", "a/b", "*", "{a,b}/c")

    assert ["a/b", "", "a", "a", "", ""] == [fixed_directory(pattern) for pattern in patterns]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 60 + "b", "a" * 250),
        ("*a" * 30 + "*b", "a" * 4000),
        ("*a?" * 30 + "*b", "a" * 4000),
        ("**/a/" * 30 + "b", "a/" * 1500 + "c"),
        ("**/*a*/" * 30 + "b", "a/" * 1500 + "c"),
        ("{,a}" * 500 + "b", "a" * 500),
        ("*{a,aa,aaa}" * 30 + "b", "a" * 2000),
        ("{" * 2000, "a"),
        ("{" * 2000 + "}" * 2000, "a"),
        ("[" * 100_000, "a"),
        ("*[a-z]" * 1000 + "-", "abcde" * 1000),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_pattern_takes_more_time_than_its_length_asks_for(dialect: Dialect, pattern: str, text: str) -> None:
    began_s = time.process_time()

    with suppress(InvalidManifest):  # a brace that is not closed, or more than anybody needs
        assert not matches(pattern, text, dialect)
    assert time.process_time() - began_s < 2.0


def test_choices_of_a_pattern_are_not_counted_out() -> None:
    assert matches("{a,b}" * 60, "ab" * 30)
    assert not matches("{a,b}" * 60, "a" * 59)


CHARS = st.sampled_from("ab/")
CLASSES = st.builds(
    CharClass, st.sampled_from([(), (("a", "a"),), (("a", "b"),)]), st.booleans(), st.sampled_from(["", "/"])
)
PARTS: st.SearchStrategy[GlobPart] = st.recursive(
    CHARS | CLASSES | st.builds(Star, st.sampled_from(["", "/"])),
    lambda inner: st.lists(st.lists(inner, max_size=3).map(tuple), min_size=1, max_size=3).map(
        lambda choices: Alternation(tuple(choices))
    ),
    max_leaves=8,
)


def expression(parts: Sequence[GlobPart]) -> str:
    """Return `parts` as a regular expression."""
    return "".join(map(_expression, parts))


def _expression(part: GlobPart) -> str:
    match part:
        case Star(without):
            return f"[^{without}]*" if without else ".*"
        case CharClass(ranges, negated, without):
            ranged = "".join(f"{low}-{high}" for low, high in ranges)
            one = (f"[^{ranged}]" if ranged else ".") if negated else (f"[{ranged}]" if ranged else "(?!)")
            return f"(?!{without}){one}" if without else one
        case Alternation(of):
            return f"(?:{'|'.join(map(expression, of))})"
        case _:
            return re.escape(part)


@settings(max_examples=500)
@given(st.lists(PARTS, max_size=5), st.text("ab/", max_size=7))
def test_automaton_takes_what_a_regular_expression_takes(parts: list[GlobPart], text: str) -> None:
    assert (re.fullmatch(expression(parts), text) is not None) is Automaton(parts).takes(text)
    assert Automaton(parts).takes(text) is Glob(parts).matches(text)


@given(st.text("ab/*?[]{},\\", max_size=8), st.text("ab/", max_size=6), st.sampled_from([FIELD, REPOSITORY]))
def test_what_is_seen_at_a_glance_is_what_all_steps_would_tell(pattern: str, text: str, dialect: Dialect) -> None:
    whole = matches(f"{{{pattern}}}", text, dialect)  # braces around it are no glance's

    if not {"{", "}", ",", "\\"} & set(pattern) and pattern != "*":
        assert whole == matches(pattern, text, dialect)


@pytest.mark.parametrize(
    "pattern", ["", "*", "a{b,{c,d}}", "[abc-e]", "[!a-b]", "{[,],x}", r"{\,}", "a}", "a,,b", r"\["]
)
def test_pattern_is_sound(pattern: str) -> None:
    assert "" == fault_of(pattern)


@pytest.mark.parametrize("pattern", ["[", "[]", "[a-zA-Z]", "[z-a]", "{", "{a,}", "{}", "a{,b}", "{a,{b,}}", "\\"])
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

    assert compiled(pattern, FIELD).matches(text) == (re.fullmatch(expression_of(pattern), text) is not None)

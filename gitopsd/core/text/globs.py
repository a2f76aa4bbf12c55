"""Globs as Argo CD's fields have them: `*`, `**`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`.

Tenants write patterns and texts, so the steps are bounded by the product of their lengths; a regular expression with
several stars can take time without bound.
"""

from __future__ import annotations

import re
from functools import lru_cache

TOKEN = re.compile(r"\*\*+|\*|\?|\[!?[^\]]+\]|\\.|.", re.DOTALL)
PLAIN = re.compile(r"\*\*+|\*|\?|\\.|.", re.DOTALL)
SPECIAL = re.compile(r"[*?\[{\\]")
MAX_ALTERNATIVES = 256  # of all braces of one pattern; one with more matches nothing


def matches(pattern: str, text: str, *, separator: str = "") -> bool:
    """Tell whether `pattern` matches the whole of `text`.

    Args:
        pattern: `*` alone matches everything, whatever the separator.
        text: taken literally.
        separator: one character that `*` and `?` do not match, but `**` does; "": they match everything.
    """
    if pattern in ("*", text):
        return True
    special = SPECIAL.search(pattern)
    begins = pattern if special is None else pattern[: special.start()]
    if special is None or not text.startswith(begins):
        return False
    rest = pattern[len(begins) :]
    if rest in ("*", "**"):  # most patterns end so, and thousands of repositories are held to some of them at a start
        return rest == "**" or not separator or separator not in text[len(begins) :]
    return any(_matches(tokens, text, separator) for tokens in _alternatives(pattern))


def _matches(tokens: tuple[str, ...], text: str, separator: str) -> bool:
    places = _past_stars(tokens, {0})  # how many tokens may be used up so far
    for char in text:
        after = set()
        for place in places:
            if place < len(tokens) and _takes(tokens[place], char, separator):
                after.add(place if _is_star(tokens[place]) else place + 1)
        places = _past_stars(tokens, after)
    return len(tokens) in places


def _past_stars(tokens: tuple[str, ...], places: set[int]) -> set[int]:
    found = set(places)
    for place in places:
        end = place
        while end < len(tokens) and _is_star(tokens[end]):
            end += 1
            found.add(end)
    return found


def _is_star(token: str) -> bool:
    return token.startswith("*")


def _takes(token: str, char: str, separator: str) -> bool:
    if token.startswith("**"):
        return True
    if token in ("*", "?"):
        return char != separator
    if token.startswith("[") and len(token) > 1:
        return _in_set(token[1:-1], char)
    return token.removeprefix("\\") == char if len(token) > 1 else token == char


def _in_set(inside: str, char: str) -> bool:
    negated, members = inside.startswith("!"), inside.removeprefix("!")
    ranges = re.findall(r"(.)-(.)|(.)", members, re.DOTALL)
    found = any(low <= char <= high if low else char == single for low, high, single in ranges)
    return found is not negated


@lru_cache(maxsize=4096)
def _alternatives(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Return the tokens of every pattern that choosing one part in each `{a,b}` makes."""
    waiting: list[str] = [pattern]
    done: list[tuple[str, ...]] = []
    while waiting:
        if len(waiting) + len(done) > MAX_ALTERNATIVES:
            return ()
        one = waiting.pop()
        # The innermost braces first: what they hold is free of braces.
        braces = re.search(r"(?<!\\)\{([^{}]*)\}", one)
        if braces is None:
            done.append(_tokens(one))
            continue
        waiting += [one[: braces.start()] + part + one[braces.end() :] for part in set(braces[1].split(","))]
    return tuple(sorted(done))


def _tokens(pattern: str) -> tuple[str, ...]:
    # Behind the last "]" no set begins: looked for from each "[" there, its end takes time in the square of the length.
    end = pattern.rfind("]") + 1
    return (*TOKEN.findall(pattern[:end]), *PLAIN.findall(pattern[end:]))

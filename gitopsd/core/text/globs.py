"""Globs as Argo CD's fields have them: `*`, `**`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`.

Tenants write texts, and some of them patterns: a regular expression with several stars can take time without bound, so
every token of a pattern is a bit, and one character of a text is one step for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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


class _Tokens:
    """The tokens of a pattern without braces, as bits: bit n of a number stands for the token at n."""

    __slots__ = ("_plain", "_sets", "any_one", "count", "deep", "stars")

    def __init__(self, tokens: Sequence[str]) -> None:
        self.count = len(tokens)
        self.stars = self.deep = self.any_one = 0
        self._plain: dict[str, int] = {}
        self._sets: dict[str, int] = {}
        for index, text in enumerate(tokens):
            bit = 1 << index
            if text.startswith("*"):  # two never stand side by side: they are one token
                self.stars |= bit
                self.deep |= bit if text != "*" else 0
            elif text == "?":
                self.any_one |= bit
            else:
                is_set = text.startswith("[") and len(text) > 1
                kind, of = (self._sets, text[1:-1]) if is_set else (self._plain, text[-1])
                kind[of] = kind.get(of, 0) | bit

    def takes(self, char: str) -> int:
        """Return the tokens that stand for `char`, but for stars and "?"."""
        taken = self._plain.get(char, 0)
        for inside, bits in self._sets.items():
            taken |= bits if _in_set(inside, char) else 0
        return taken


def _matches(tokens: _Tokens, text: str, separator: str) -> bool:
    moves: dict[str, tuple[int, int]] = {}  # character → tokens that go on by it, and those that stay where they are
    places = 1 | (tokens.stars & 1) << 1  # bit n: n tokens may be used up so far
    for char in text:
        if char not in moves:
            apart = char == separator
            goes = tokens.takes(char) | (0 if apart else tokens.any_one)
            moves[char] = (goes, tokens.deep if apart else tokens.stars)
        goes, stays = moves[char]
        places = (places & goes) << 1 | places & stays
        if not places:
            return False
        places |= (places & tokens.stars) << 1
    return bool(places >> tokens.count & 1)


def _in_set(inside: str, char: str) -> bool:
    negated, members = inside.startswith("!"), inside.removeprefix("!")
    ranges = re.findall(r"(.)-(.)|(.)", members, re.DOTALL)
    within = any(low <= char <= high if low else char == single for low, high, single in ranges)
    return within is not negated


@lru_cache(maxsize=4096)
def _alternatives(pattern: str) -> tuple[_Tokens, ...]:
    """Return the tokens of every pattern that choosing one part in each `{a,b}` makes."""
    waiting: list[str] = [pattern]
    done: set[str] = set()
    while waiting:
        if len(waiting) + len(done) > MAX_ALTERNATIVES:
            return ()
        one = waiting.pop()
        # The innermost braces first: what they hold is free of braces.
        braces = re.search(r"(?<!\\)\{([^{}]*)\}", one)
        if braces is None:
            done.add(one)
            continue
        waiting += [one[: braces.start()] + part + one[braces.end() :] for part in set(braces[1].split(","))]
    return tuple(_Tokens(_tokens(one)) for one in sorted(done))


def _tokens(pattern: str) -> tuple[str, ...]:
    # Behind the last "]" no set begins: looked for from each "[" there, its end takes time in the square of the length.
    end = pattern.rfind("]") + 1
    return (*TOKEN.findall(pattern[:end]), *PLAIN.findall(pattern[end:]))

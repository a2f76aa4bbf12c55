"""Globs as Argo CD's fields have them: `*`, `**`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`, as gobwas/glob documents them.

Tenants write texts, and some of them patterns: a regular expression with several stars can take time without bound, so
every token of a pattern is a bit, and one character of a text is one step for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

TOKEN = re.compile(r"\*\*+|\[!?(?:\\.|[^\]\\])+\]|\\.|.", re.DOTALL)
PLAIN = re.compile(r"\*\*+|\\.|.", re.DOTALL)
SPECIAL = re.compile(r"[*?\[{\\]")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
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
    return matches_whole(pattern, text, separator=separator)


def matches_whole(pattern: str, text: str, *, separator: str = "") -> bool:
    """Tell what `matches` does, but that a pattern with a set or braces does not fit a text that spells it."""
    return any(_matches(tokens, text, separator) for tokens in _alternatives(pattern))


def fault_of(pattern: str) -> str:
    """Return why gobwas/glob, or a reader, would not take `pattern` for what `matches` does; "" where it is sound."""
    if not {"[", "{", "\\"} & set(pattern):
        return ""
    pieces = _tokens(pattern)
    closes = _braces(pieces)
    depth, begins = 0, False  # of braces; whether a part of them begins here
    for index, piece in enumerate(pieces):
        ends = bool(depth) and piece in {",", "}"}
        if ends and begins:
            return "has an empty part in braces"
        depth += (index in closes) - (ends and piece == "}")
        begins = index in closes or (ends and piece == ",")
        fault = _fault_of_piece(piece, closed=index in closes)
        if fault:
            return fault
    return "" if _alternatives(pattern) else f"has braces for more than {MAX_ALTERNATIVES} alternatives"


def expression_of(pattern: str) -> str:
    """Return what matches whatever `pattern`, which has no fault, does without a separator, as RE2 and re have it.

    It is for engines that take time in the length of a text alone, as RE2 does.
    """
    pieces = _tokens(pattern)
    closes = _braces(pieces)
    ends = set(closes.values())
    depth = 0
    parts: list[str] = []
    for index, piece in enumerate(pieces):
        depth += (index in closes) - (index in ends)
        if index in closes or index in ends:
            parts.append("(?:" if index in closes else ")")
        elif piece == "," and depth:
            parts.append("|")
        elif piece.startswith("*"):
            parts.append("(?s:.*)")
        elif piece == "?":
            parts.append("(?s:.)")
        elif piece.startswith("[") and len(piece) > 1:
            parts.append(_set_expression(piece[1:-1]))
        else:
            parts.append(re.escape(piece[-1]))
    return "".join(parts)


def _set_expression(inside: str) -> str:
    negated, members = inside.startswith("!"), inside.removeprefix("!")
    if members[1:2] == "-":
        spelled = f"{re.escape(members[0])}-{re.escape(members[2])}"
    else:
        spelled = re.escape(ESCAPED.sub(r"\1", members))
    return f"[{'^' if negated else ''}{spelled}]"


def _fault_of_piece(piece: str, *, closed: bool) -> str:
    if piece == "[":
        return "has a [ without a set and its ]"
    if piece == "{" and not closed:
        return "has a { without its }"
    if piece == "\\":
        return "ends in a \\ that stands before nothing"
    members = piece[1:-1].removeprefix("!")
    range_fits = len(members) == len("a-z") and members[0] <= members[-1]
    if piece.startswith("[") and members[1:2] == "-" and not range_fits:
        return f"has the set {piece}, where one range, low to high, stands alone"
    return ""


class _Tokens:
    """The tokens of a pattern without braces, as bits: bit n of a number stands for the token at n."""

    __slots__ = ("_plain", "_sets", "any_one", "count", "deep", "stars")

    def __init__(self, given: Sequence[str]) -> None:
        tokens = _single_stars(given)
        self.count = len(tokens)
        self.stars = self.deep = self.any_one = 0
        self._plain: dict[str, int] = {}
        self._sets: dict[str, int] = {}
        for index, text in enumerate(tokens):
            bit = 1 << index
            if text.startswith("*"):
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


def _single_stars(tokens: Sequence[str]) -> list[str]:
    """Return the tokens with one star for those that stand side by side, as where braces held some of them."""
    single: list[str] = []
    for token in tokens:
        if token.startswith("*") and single and single[-1].startswith("*"):
            single[-1] = max(single[-1], token, key=len)
        else:
            single.append(token)
    return single


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
    """Tell whether a set has `char`: one that begins as a range has ranges, any other has what it spells."""
    negated, members = inside.startswith("!"), inside.removeprefix("!")
    if members[1:2] == "-":
        ranges = re.findall(r"(.)-(.)|(.)", members, re.DOTALL)
        within = any(low <= char <= high if low else char == single for low, high, single in ranges)
    else:
        within = char in ESCAPED.sub(r"\1", members)
    return within is not negated


@lru_cache(maxsize=4096)
def _alternatives(pattern: str) -> tuple[_Tokens, ...]:
    """Return the tokens of every pattern that choosing one part in each `{a,b}` makes."""
    tokens = _tokens(pattern)
    closes = _braces(tokens)
    # Of each brace that is open: what stood before it, its finished parts, and the one that is being read.
    before: list[list[tuple[str, ...]]] = []
    parts: list[list[tuple[str, ...]]] = []
    read: list[tuple[str, ...]] = [()]
    begin = 0
    ends = set(closes.values())
    for index, piece in enumerate(tokens):
        opens, comma, shuts = index in closes, piece == "," and bool(before), index in ends
        if not (opens or comma or shuts):
            continue
        read = [tokens_read + tokens[begin:index] for tokens_read in read]
        begin = index + 1
        if opens:
            before.append(read)
            parts.append([])
            read = [()]
        elif comma:
            parts[-1] += read
            read = [()]
        else:
            chosen = _once([*parts.pop(), *read])
            read = _once(first + second for first in before.pop() for second in chosen)
        if len(read) + sum(map(len, before)) + sum(map(len, parts)) > MAX_ALTERNATIVES:
            return ()
    return tuple(_Tokens(tokens_read + tokens[begin:]) for tokens_read in read)


def _once(alternatives: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(alternatives))


def _braces(tokens: Sequence[str]) -> dict[int, int]:
    """Return where braces open → where they close; one without its other is a character as any."""
    opened: list[int] = []
    closes: dict[int, int] = {}
    for index, piece in enumerate(tokens):
        if piece == "{":
            opened.append(index)
        elif piece == "}" and opened:
            closes[opened.pop()] = index
    return closes


def _tokens(pattern: str) -> tuple[str, ...]:
    # Behind the last "]" no set begins: looked for from each "[" there, its end takes time in the square of the length.
    end = pattern.rfind("]") + 1
    return (*TOKEN.findall(pattern[:end]), *PLAIN.findall(pattern[end:]))

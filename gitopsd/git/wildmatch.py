"""Patterns of `.gitattributes` as git matches them. Text is one character a byte (Latin-1)."""

from __future__ import annotations

import re
import string
from functools import lru_cache

MAGIC = re.compile(r"[*?\[\\]")
TOKEN = re.compile(r"\*+|\\.|.", re.DOTALL)
STAR, BELOW, ANYTHING = "[^/]*", "(?:.*/)?", ".*"
LAZY = {BELOW: "(?:.*?/)??", ANYTHING: ".*?"}
NEVER = re.compile("(?!)")
BYTES = frozenset(map(chr, range(256)))
PRINTED = frozenset(map(chr, range(0x20, 0x7F)))
CLASSES = {
    "alnum": frozenset(string.ascii_letters + string.digits),
    "alpha": frozenset(string.ascii_letters),
    "blank": frozenset(" \t"),
    "cntrl": frozenset(map(chr, range(0x80))) - PRINTED,
    "digit": frozenset(string.digits),
    "graph": PRINTED - {" "},
    "lower": frozenset(string.ascii_lowercase),
    "print": PRINTED,
    "punct": frozenset(string.punctuation),
    "space": frozenset(" \t\r\n"),
    "upper": frozenset(string.ascii_uppercase),
    "xdigit": frozenset(string.hexdigits),
}


@lru_cache(maxsize=4096)
def wildmatch(pattern: str) -> re.Pattern[str]:
    """Return `pattern` as an expression for `fullmatch`; one that is broken matches nothing.

    `*` is any characters but "/", `**` as a whole name any directories, `?` and `[…]` one character but "/".

    Source: git, wildmatch.c with WM_PATHNAME, and match_pathname of dir.c, which compares what has no wildcard by
    itself: so `a**/b` begins with a `**` as if "a" were a whole name.
    """
    plain = MAGIC.search(pattern)
    at = start = plain.start() if plain else len(pattern)
    parts = [re.escape(pattern[:start])]
    while at < len(pattern):
        if pattern[at] == "[":
            bracket = _bracket(pattern, at)
            if bracket is None:
                return NEVER
            chars, at = bracket
            parts.append(f"[{re.escape(''.join(sorted(chars)))}]" if chars else "(?!)")
            continue
        token = TOKEN.match(pattern, at)
        if token is None or token[0] == "\\":
            return NEVER
        text, at = token[0], token.end()
        if text[0] == "*":
            whole = len(text) > 1 and (token.start() == start or pattern[token.start() - 1] == "/")
            part, at = _stars(pattern, at, whole=whole)
            parts.append(part)
        else:
            parts.append("[^/]" if text == "?" else re.escape(text[-1]))
    return re.compile(_joined(parts), re.DOTALL)


def _stars(pattern: str, at: int, *, whole: bool) -> tuple[str, int]:
    """Return what the stars that end at `at` are, and where what follows begins."""
    if whole and pattern.startswith("/", at):
        return BELOW, at + 1
    if whole and (at == len(pattern) or pattern.startswith("\\/", at)):
        return ANYTHING, at
    return STAR, at


def _joined(parts: list[str]) -> str:
    """Return the expression that `parts` are, with no way back into what is before a star of the same kind.

    Where the first place fits, so that the next star takes up the rest, a later one would fit no better.
    """
    groups: list[tuple[str, list[str]]] = [("", [""])]  # each `**`, and what stands between its single stars
    for part in parts:
        if part in LAZY:
            groups.append((part, [""]))
        elif part == STAR:
            groups[-1][1].append("")
        else:
            groups[-1][1][-1] += part
    *first, last = [(deep, _between(chunks)) for deep, chunks in groups]
    return "".join(f"(?>{LAZY.get(deep, '')}{body})" for deep, body in first) + "".join(last)


def _between(chunks: list[str]) -> str:
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return f"{first}{''.join(f'(?>[^/]*?{chunk})' for chunk in middle)}{STAR}{last}"


def _bracket(pattern: str, at: int) -> tuple[frozenset[str], int] | None:
    """Return the characters that the bracket at `at` takes, and where it ends; None where it is broken."""
    negated = pattern[at + 1 : at + 2] in ("!", "^")
    at += 1 + negated
    chars: set[str] = set()
    before = ""  # what a range may begin with
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        ended = _item(pattern, at, before, chars)
        if ended is None:
            return None
        before, at = ended
    return (BYTES - chars if negated else frozenset(chars)) - {"/"}, at + 1


def _item(pattern: str, at: int, before: str, chars: set[str]) -> tuple[str, int] | None:
    """Add what stands at `at` in a bracket to `chars`; return what a range may begin with then, and the next place."""
    char = pattern[at : at + 1]
    if char == "-" and before and pattern[at + 1 : at + 2] not in ("", "]"):
        at += 1 + (pattern[at + 1] == "\\")
        if at == len(pattern):
            return None
        chars.update(map(chr, range(ord(before), ord(pattern[at]) + 1)))
        return "", at + 1
    if pattern.startswith("[:", at):
        end = pattern.find("]", at + 2)
        if end < 0:
            return None
        if end > at + 2 and pattern[end - 1] == ":":
            named = CLASSES.get(pattern[at + 2 : end - 1])
            chars.update(named or ())
            return None if named is None else ("", end + 1)
    at += char == "\\"
    if at >= len(pattern):
        return None
    chars.add(pattern[at])
    return pattern[at], at + 1

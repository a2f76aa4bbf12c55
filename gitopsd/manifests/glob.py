"""Globs as Argo CD's `directory.include` and `exclude` have them: matched against the path below the source."""

from __future__ import annotations

import re

from gitopsd.errors import InvalidDeclaration


def glob(pattern: str) -> re.Pattern[str]:
    """Return `pattern` as an expression for `fullmatch`.

    `*` and `**` are any characters, "/" included; `?` is one; `[a-z]` and `[!a-z]` are classes; `{a,b}` is either, and
    may be nested; a backslash takes the next character as it is.

    Raises:
        InvalidDeclaration: a bracket is not closed, or a range runs backwards.

    Source: Argo CD compiles them with github.com/gobwas/glob and no separators (util/glob).
    """
    at, depth, parts = 0, 0, []
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\" and at < len(pattern):
            parts.append(re.escape(pattern[at]))
            at += 1
        elif char == "*":
            if parts[-1:] != [".*"]:  # two in a row would only cost time
                parts.append(".*")
        elif char == "[":
            part, at = _class(pattern, at)
            parts.append(part)
        else:
            parts.append(_PLAIN[char] if char in "?{" or (depth and char in ",}") else re.escape(char))
            depth += {"{": 1, "}": -1 if depth else 0}.get(char, 0)
    if depth:
        raise _invalid(pattern, "'{' is not closed")
    return re.compile("".join(parts), re.DOTALL)


_PLAIN = {"?": ".", "{": "(?:", ",": "|", "}": ")"}


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Return the character class that begins at `at`, and where it ends."""
    negated = pattern[at : at + 1] == "!"
    start = at + negated
    end = pattern.find("]", start + 1)
    if end < 0:
        raise _invalid(pattern, "'[' is not closed")
    inside = pattern[start:end]
    if len(inside) == len("a-z") and inside[1] == "-":
        if inside[0] > inside[2]:
            raise _invalid(pattern, f"the range {inside} runs backwards")
        text = f"{re.escape(inside[0])}-{re.escape(inside[2])}"
    else:
        text = re.escape(inside)
    return f"[{'^' if negated else ''}{text}]", end + 1


def _invalid(pattern: str, reason: str) -> InvalidDeclaration:
    return InvalidDeclaration(
        f"the glob {pattern!r} cannot be read: {reason}", remedy="mend directory.include or exclude"
    )

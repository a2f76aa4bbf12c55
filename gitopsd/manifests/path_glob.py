"""Globs over paths, where "/" separates: of `.helmignore`, and of value files."""

from __future__ import annotations

import re

from gitopsd.errors import InvalidManifest

MAGIC = re.compile(r"[*?\[{]")


def path_glob(pattern: str, *, deep: bool) -> re.Pattern[str]:
    """Return `pattern` as an expression for `fullmatch`.

    `*` is any characters but "/", `?` one of them; `[a-z]` and `[^a-z]` are classes; a backslash takes the next
    character as it is. With `deep`, `**` as a whole name is any directories, none included, and `{a,b}` is either.

    Raises:
        InvalidManifest: a bracket is not closed.

    Source: Go's path/filepath.Match, and github.com/bmatcuk/doublestar for what is deep.
    """
    at, depth = 0, 0
    parts: list[str] = []
    while at < len(pattern):
        char = pattern[at]
        if deep and pattern.startswith("**", at) and pattern[at - 1 : at] in ("", "/"):
            part, at = _directories(pattern, at)
        elif char == "[":
            part, at = _class(pattern, at)
        elif char == "\\" and at + 1 < len(pattern):
            part, at = re.escape(pattern[at + 1]), at + 2
        elif deep and (char == "{" or (depth and char in ",}")):
            depth += {"{": 1, "}": -1}.get(char, 0)
            part, at = {"{": "(?:", ",": "|", "}": ")"}[char], at + 1
        else:
            part, at = {"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char), at + 1
        if part != "[^/]*" or parts[-1:] != [part]:  # two in a row would only cost time
            parts.append(part)
    if depth:
        raise _invalid(pattern, "{")
    return re.compile("".join(parts), re.DOTALL)


def _directories(pattern: str, at: int) -> tuple[str, int]:
    if pattern.startswith("**/", at):
        return "(?:[^/]+/)*", at + 3
    return (".*", at + 2) if at + 2 == len(pattern) else ("[^/]*", at + 2)


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Return the character class that begins at `at`, and where it ends."""
    negated = pattern[at + 1 : at + 2] in ("^", "!")
    start = at + 1 + negated
    end = pattern.find("]", start + 1)
    if end < 0:
        raise _invalid(pattern, "[")
    inside = re.sub(r"([\\^\[&~|])", r"\\\1", pattern[start:end])
    try:
        re.compile(f"[{inside}]")
    except re.error as err:
        raise _invalid(pattern, "[") from err
    return f"(?!/)[{'^' if negated else ''}{inside}]", end + 1


def _invalid(pattern: str, bracket: str) -> InvalidManifest:
    return InvalidManifest(f"the glob {pattern[:200]!r} cannot be read: see its '{bracket}'", remedy="mend the glob")

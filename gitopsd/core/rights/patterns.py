"""Patterns of policies: one, and many at once by an index, since a list holds every application to every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

from gitopsd.core.rights.policy import MatchMode
from gitopsd.core.text.globs import POLICY, SPECIAL, compiled, expression_of, fault_of

REGEX_BYTES = 1 << 20  # of one compiled expression
UNION_BYTES = 32 << 20  # of all that one decision needs
FEW = 8  # globs that are no prefixes: more are made one expression, whose library takes memory
Predicate = Callable[[str], bool]


def pattern_fault(pattern: str, mode: MatchMode) -> str:
    """Return what is wrong with a pattern; "" where it can be used."""
    if mode is MatchMode.GLOB:
        return fault_of(pattern) if SPECIAL.search(pattern) else ""
    re2, options = _re2(REGEX_BYTES)
    try:
        re2.compile(pattern, options)
    except re2.error as err:
        reason = err.args[0] if err.args else ""
        return f"is no regular expression: {reason.decode() if isinstance(reason, bytes) else reason}"
    return ""


def is_expression(entry: str) -> bool:
    """Tell whether an entry of a list of globs and expressions, such as `sourceNamespaces`, is `/expression/`."""
    return len(entry) > 1 and entry.startswith("/") and entry.endswith("/")


def pattern_matches(pattern: str, text: str, mode: MatchMode) -> bool:
    """Tell whether a pattern without fault fits `text`."""
    if mode is MatchMode.GLOB:
        return pattern == text if is_literal(pattern, mode) else compiled(pattern, POLICY).matches(text)
    return _expression(pattern).search(text) is not None


def is_literal(pattern: str, mode: MatchMode) -> bool:
    """Tell whether a pattern fits only the text that it is; an expression fits wherever it is found."""
    return mode is MatchMode.GLOB and SPECIAL.search(pattern) is None


class PatternSet:
    """Tells whether any of many patterns fits a text; what most look like costs a look-up, not a comparison each."""

    __slots__ = ("_exact", "_few", "_lengths", "_prefixes", "_searches")

    def __init__(self, patterns: Iterable[str], mode: MatchMode) -> None:
        """Index `patterns`, which have no fault."""
        distinct = sorted(set(patterns))
        self._exact = frozenset(pattern for pattern in distinct if is_literal(pattern, mode))
        self._prefixes = frozenset(pattern.rstrip("*") for pattern in distinct if _is_prefix(pattern, mode))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        others = [pattern for pattern in distinct if pattern not in self._exact and not _is_prefix(pattern, mode)]
        few = mode is MatchMode.GLOB and len(others) <= FEW
        self._few = tuple(_predicate(pattern) for pattern in others) if few else ()
        self._searches = () if few else _searches(others, mode)

    def __bool__(self) -> bool:
        return bool(self._exact or self._prefixes or self._few or self._searches)

    def matches(self, text: str) -> bool:
        """Tell whether any of the patterns fits the whole of `text`, or, of expressions, is found in it."""
        if text in self._exact:
            return True
        prefixes = self._prefixes
        for length in self._lengths:
            if text[:length] in prefixes:
                return True
        return any(fits(text) for fits in self._few) or any(
            search.search(text) is not None for search in self._searches
        )


def _is_prefix(pattern: str, mode: MatchMode) -> bool:
    """Tell whether a pattern is nothing but what a text begins with, and a star."""
    return mode is MatchMode.GLOB and pattern.endswith("*") and SPECIAL.search(pattern.rstrip("*")) is None


def _predicate(pattern: str) -> Predicate:
    if SPECIAL.search(pattern.replace("*", "")):
        return compiled(pattern, POLICY).matches
    first, *middle, last = pattern.split("*")
    return partial(_fits_stars, first, tuple(filter(None, middle)), last)


def _fits_stars(first: str, middle: tuple[str, ...], last: str, text: str) -> bool:
    """Tell whether `text` has the first part, those between stars one after another, and at its end the last."""
    begin, end = len(first), len(text) - len(last)
    if end < begin or not text.startswith(first) or not text.endswith(last):
        return False
    for part in middle:
        position = text.find(part, begin, end)
        if position < 0:
            return False
        begin = position + len(part)
    return True


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> Any:
    re2, options = _re2(REGEX_BYTES)
    return re2.compile(pattern, options)


def _searches(patterns: Sequence[str], mode: MatchMode) -> tuple[Any, ...]:
    """Return as few expressions as can be that find, together, what `patterns` fit."""
    # RE2's own sets find nothing where their memory ends, and a deny would be open then; an alternation goes on slower.
    if mode is MatchMode.GLOB:
        patterns = [f"^{expression_of(pattern)}$" for pattern in patterns]
    re2, options = _re2(UNION_BYTES)
    joined = [
        pattern for pattern in patterns if r"\Q" not in pattern
    ]  # what that begins may end at the end of a pattern only
    try:
        union = re2.compile("|".join(f"(?:{pattern})" for pattern in joined), options) if joined else None
    except re2.error:  # as where two name a group alike, or where all are more than its memory holds
        return tuple(_expression(pattern) for pattern in patterns)
    apart = (_expression(pattern) for pattern in patterns if r"\Q" in pattern)
    return (*apart, union) if union is not None else tuple(apart)


def _re2(max_bytes: int) -> tuple[Any, Any]:
    # Imported where a policy asks for it: the library takes memory, and few policies have expressions.
    import re2

    options = re2.Options()
    options.max_mem = max_bytes
    options.log_errors = False
    options.never_capture = True
    return re2, options

"""Ignore rules in jq: the paths that an expression names in an object. Runs in a worker, which may be killed.

libjq holds the interpreter's lock for as long as an expression runs, and some run for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import jq

from gitopsd.errors import InvalidDeclaration

PATHS = f"{__name__}:paths"
MAX_PATHS = 10_000  # that one expression may name in one object
SHOWN = 200  # characters of an expression in a message

Path = list[str | int]


def paths(expressions: Sequence[str], documents: Sequence[Any]) -> list[list[Path]]:
    """Return for each document the paths that the expressions name in it, each once; places in lists from 0.

    An expression that does not fit a document (it goes through what is null there) names nothing in it.

    Raises:
        InvalidDeclaration: an expression is no jq, or names too many paths.
    """
    return [_each_once(path for text in expressions for path in _named(text, document)) for document in documents]


def _named(text: str, document: Any) -> Iterator[Path]:
    try:
        paths = _program(text).input_value(document).first()
    except (ValueError, StopIteration):
        return
    if not isinstance(paths, list):
        return
    if len(paths) > MAX_PATHS:
        raise InvalidDeclaration(
            f"jq expression {text[:SHOWN]!r} names {len(paths)} paths of one object", remedy="name what contains them"
        )
    for path in paths:
        yield from _places(document, path, [])


@lru_cache(maxsize=256)
def _program(text: str) -> Any:
    try:
        # The line break ends a comment at the end of the expression.
        return jq.compile(f"[path({text}\n)]")
    except ValueError as err:
        raise InvalidDeclaration(
            f"jq expression {text[:SHOWN]!r}: {str(err).partition(' at <top-level>')[0]}", remedy="mend the expression"
        ) from err


def _places(value: Any, path: Sequence[Any], before: Path) -> Iterator[Path]:
    """Yield the paths of single values that a path of jq names: its slices and its places from the end are counted."""
    if not path:
        yield before
        return
    head, *rest = path
    if isinstance(value, list):
        places = range(len(value))
        if isinstance(head, dict):
            chosen = places[slice(head.get("start"), head.get("end"))]
        elif isinstance(head, int) and -len(value) <= head < len(value):
            chosen = range(places[head], places[head] + 1)
        else:
            return
        for step in chosen:
            yield from _places(value[step], rest, [*before, step])
    elif isinstance(value, dict) and head in value:
        yield from _places(value[head], rest, [*before, head])


def _each_once(paths: Iterable[Path]) -> list[Path]:
    return [list(path) for path in dict.fromkeys(tuple(path) for path in paths if path)]

"""Predicted live against live → the paths on which they differ, as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from gitopsd.core.objects.field_path import ABSENT, ITEM_KEYS, Keys, item_of, key_fields, place_of
from gitopsd.model.comparison import Difference, FieldPath, Item, PathElement
from gitopsd.model.manifest import Manifest

ABSENT_TEXT = "(absent)"
MAX_DIFFERENCES = 100
MAX_TEXT = 2000  # characters of one value that are shown
MAX_DEPTH = 100  # deeper values are shown whole
AROUND = 100  # characters before the first difference of two long texts

MORE = Difference("…", "(more differences are not shown)", "(more differences are not shown)")


@dataclass(frozen=True, slots=True)
class Change:
    """One path on which predicted and live differ; ABSENT where there is nothing."""

    steps: FieldPath
    predicted: Any
    live: Any
    order: bool = False  # only the order of a list differs: the items that both sides have


def changes(predicted: Manifest, live: Manifest, keys: Keys) -> Sequence[Change]:
    """Return the paths on which the two differ, in the order of predicted; at most one more than MAX_DIFFERENCES."""
    return list(islice(each_change(predicted, live, keys), MAX_DIFFERENCES + 1))


def each_change(predicted: Manifest, live: Manifest, keys: Keys) -> Iterator[Change]:
    """Yield every path on which the two differ, in the order of predicted."""
    return _walk((), predicted, live, keys)


def shown(change: Change, target: Any) -> Difference:
    """Return `change` as a person reads it, each value cut to `MAX_TEXT` characters; `target` is what Git says."""
    path = path_text(change.steps)
    if change.order:
        live, predicted, ours = map(_names, (change.live, change.predicted, _ordered(change, target)))
        return Difference(f"{path} (order)", live, predicted, ours, steps=change.steps)
    live, predicted = _shown(change.live, change.predicted)
    return Difference(path, live, predicted, _cut(target), steps=change.steps)


def path_text(steps: FieldPath) -> str:
    """Return the way into an object as a person reads it."""
    return "".join(map(_step, steps)) or "."


def _names(items: Sequence[Item]) -> list[str]:
    return [str(item) for item in items]


def _ordered(change: Change, target: Any) -> list[Item]:
    places = [(place_of(target, item), item) for item in change.predicted] if isinstance(target, list) else []
    return [item for position, item in sorted(places, key=lambda pair: pair[0] or 0) if position is not None]


def _walk(steps: FieldPath, predicted: Any, live: Any, keys: Keys) -> Iterator[Change]:
    if len(steps) < MAX_DEPTH and isinstance(predicted, dict) and isinstance(live, dict):
        for name in dict.fromkeys((*predicted, *live)):
            yield from _walk((*steps, name), predicted.get(name, ABSENT), live.get(name, ABSENT), keys)
    elif len(steps) < MAX_DEPTH and isinstance(predicted, list) and isinstance(live, list):
        yield from _walk_items(steps, predicted, live, keys)
    elif type(predicted) is not type(live) or predicted != live:
        yield Change(steps, predicted, live)


def _walk_items(steps: FieldPath, predicted: list[Any], live: list[Any], keys: Keys) -> Iterator[Change]:
    fields = key_fields((*keys(steps), *ITEM_KEYS), predicted, live)
    if not fields:
        for index in range(max(len(predicted), len(live))):
            ours = predicted[index] if index < len(predicted) else ABSENT
            theirs = live[index] if index < len(live) else ABSENT
            yield from _walk((*steps, index), ours, theirs, keys)
        return
    ours_by, theirs_by = _by_key(predicted, fields), _by_key(live, fields)
    for key in dict.fromkeys((*ours_by, *theirs_by)):
        yield from _walk((*steps, key), ours_by.get(key, ABSENT), theirs_by.get(key, ABSENT), keys)
    shared_ours = [key for key in ours_by if key in theirs_by]
    shared_theirs = [key for key in theirs_by if key in ours_by]
    if shared_ours != shared_theirs:
        yield Change(steps, shared_ours, shared_theirs, order=True)


def _by_key(items: list[Any], fields: tuple[str, ...]) -> dict[Item, Any]:
    return {item_of(item, fields): item for item in items}


def _step(step: PathElement) -> str:
    if not isinstance(step, str):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[A-Za-z_$][\w$-]*", step) else f'["{step}"]'


def _shown(live: Any, predicted: Any) -> tuple[Any, Any]:
    if isinstance(live, str) and isinstance(predicted, str):
        start = max(0, _first_difference(live, predicted) - AROUND)
        if max(len(live), len(predicted)) > MAX_TEXT:
            return _window(live, start), _window(predicted, start)
    return _cut(live), _cut(predicted)


def _first_difference(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((index for index in range(shorter) if one[index] != other[index]), shorter)


def _window(text: str, start: int) -> str:
    cut = text[start : start + MAX_TEXT]
    return f"{'…' if start else ''}{cut}{'…' if start + MAX_TEXT < len(text) else ''}"


def _cut(value: Any) -> Any:
    if value is ABSENT:
        return ABSENT_TEXT
    if isinstance(value, str):
        return _window(value, 0)
    if not isinstance(value, (dict, list)):
        return value
    try:
        size = len(orjson.dumps(value))
    except TypeError:
        return "(nested too deeply to show)"
    return value if size <= MAX_TEXT else f"({'an object' if isinstance(value, dict) else 'a list'} of {size} bytes)"

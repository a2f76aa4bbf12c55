"""Predicted live against live → differences as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from gitopsd.core.mask import masked
from gitopsd.model.comparison import Difference
from gitopsd.model.manifest import Manifest

ABSENT_TEXT = "(absent)"
MAX_DIFFERENCES = 100
MAX_TEXT = 2000  # characters of one value that are shown
MAX_DEPTH = 100  # deeper values are shown whole
AROUND = 100  # characters before the first difference of two long texts

# What names an item of a list, best first: fields that Kubernetes' own lists are keyed by.
ITEM_KEYS = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("containerPort",),
    ("port",),
    ("mountPath",),
    ("devicePath",),
    ("topologyKey", "whenUnsatisfiable"),
    ("type",),
    ("key",),
    ("ip",),
    ("uid",),
)


def differences(predicted: Manifest, live: Manifest) -> tuple[Difference, ...]:
    """Return the paths on which the two differ, in the order of predicted; a Secret's values are masked.

    At most `MAX_DIFFERENCES`, each value cut to `MAX_TEXT` characters; where there are more, the last one says so.
    """
    hidden_predicted, hidden_live = masked(predicted, live)
    found: list[Difference] = []
    for path, ours, theirs in _walk("", hidden_predicted, hidden_live, 0):
        if len(found) == MAX_DIFFERENCES:
            found[-1] = Difference("…", "(more differences are not shown)", "(more differences are not shown)")
            break
        shown_live, shown_predicted = _shown(theirs, ours)
        found.append(Difference(path or ".", shown_live, shown_predicted))
    return tuple(found)


Found = tuple[str, Any, Any]  # path, predicted, live


class _Absent:
    """There is nothing here; null is something."""


ABSENT = _Absent()


def _walk(path: str, predicted: Any, live: Any, depth: int) -> Iterator[Found]:
    if depth < MAX_DEPTH and isinstance(predicted, dict) and isinstance(live, dict):
        for name in dict.fromkeys((*predicted, *live)):
            yield from _walk(f"{path}{_field(name)}", predicted.get(name, ABSENT), live.get(name, ABSENT), depth + 1)
    elif depth < MAX_DEPTH and isinstance(predicted, list) and isinstance(live, list):
        yield from _walk_items(path, predicted, live, depth)
    elif type(predicted) is not type(live) or predicted != live:
        yield path, predicted, live


def _walk_items(path: str, predicted: list[Any], live: list[Any], depth: int) -> Iterator[Found]:
    fields = _key_fields(predicted, live)
    if fields is None:
        for place in range(max(len(predicted), len(live))):
            ours = predicted[place] if place < len(predicted) else ABSENT
            theirs = live[place] if place < len(live) else ABSENT
            yield from _walk(f"{path}[{place}]", ours, theirs, depth + 1)
        return
    ours_by, theirs_by = _by_key(predicted, fields), _by_key(live, fields)
    for key in dict.fromkeys((*ours_by, *theirs_by)):
        yield from _walk(f"{path}[{key}]", ours_by.get(key, ABSENT), theirs_by.get(key, ABSENT), depth + 1)
    shared_ours = [key for key in ours_by if key in theirs_by]
    shared_theirs = [key for key in theirs_by if key in ours_by]
    if shared_ours != shared_theirs:
        yield f"{path} (order)", shared_ours, shared_theirs


def _key_fields(predicted: list[Any], live: list[Any]) -> tuple[str, ...] | None:
    """Return the fields that name every item on both sides without repeats; None: go by place."""
    if not all(isinstance(item, dict) for item in (*predicted, *live)) or not (predicted and live):
        return None
    return next((fields for fields in ITEM_KEYS if _names(fields, predicted) and _names(fields, live)), None)


def _names(fields: tuple[str, ...], items: Sequence[Any]) -> bool:
    values = [tuple(item.get(field) for field in fields) for item in items]
    plain = all(isinstance(value, (str, int)) for key in values for value in key)
    return plain and len(set(values)) == len(values)


def _by_key(items: list[Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {",".join(f"{field}={item[field]}" for field in fields): item for item in items}


def _field(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z_$][\w$-]*", name) else f'["{name}"]'


def _shown(live: Any, predicted: Any) -> tuple[Any, Any]:
    if isinstance(live, str) and isinstance(predicted, str):
        start = max(0, _first_difference(live, predicted) - AROUND)
        if max(len(live), len(predicted)) > MAX_TEXT:
            return _window(live, start), _window(predicted, start)
    return _cut(live), _cut(predicted)


def _first_difference(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


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

"""The way into an object: by fields, by places in lists, and by what names a list's items, in managedFields too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gitopsd.core.objects.managed_fields import entries_of, fields_of, key_names, key_of_item
from gitopsd.model.comparison import FieldPath, Item, PathElement
from gitopsd.model.manifest import Manifest

# What names an item of a list where managedFields do not tell, best first: what Kubernetes' own lists are keyed by.
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


class _Absent:
    """There is nothing here; null is something."""


ABSENT = _Absent()


Keys = Callable[[FieldPath], Sequence[tuple[str, ...]]]  # the fields that key the list at a path, where that is known


def at(value: Any, steps: FieldPath) -> Any:
    """Return what is at `steps` of `value`; ABSENT where there is nothing.

    An item that leaves a field of its key out may be the one that is meant: the API server fills in some, as a port's
    protocol.
    """
    for step in steps:
        value = _child(value, step)
    return value


def with_at(value: Any, steps: FieldPath, new_value: Any) -> Any:
    """Return `value` with `new_value` at `steps`, without what is there where that is ABSENT; makes missing parents."""
    head, rest = steps[0], steps[1:]
    if isinstance(head, str):
        here = value if isinstance(value, dict) else {}
        if new_value is ABSENT and not rest:
            return {name: item for name, item in here.items() if name != head}
        return {**here, head: with_at(here.get(head), rest, new_value) if rest else new_value}
    items = value if isinstance(value, list) else []
    index = place_of(items, head) if isinstance(head, Item) else head
    if index is None or index >= len(items):
        new = dict(head.key) if isinstance(head, Item) else None
        return [*items, with_at(new, rest, new_value) if rest else new_value]
    changed = [with_at(items[index], rest, new_value)] if rest else [] if new_value is ABSENT else [new_value]
    return [*items[:index], *changed, *items[index + 1 :]]


def place_of(items: Sequence[Any], step: Item) -> int | None:
    """Return the place of the item that `step` names; None where there is none."""
    named = (
        index
        for index, item in enumerate(items)
        if isinstance(item, dict)
        and any(field in item for field, _ in step.key)
        and all(item.get(field, value) == value for field, value in step.key)
    )
    return next(named, None)


def key_fields(candidates: Sequence[tuple[str, ...]], one: Sequence[Any], other: Sequence[Any]) -> tuple[str, ...]:
    """Return the first of `candidates` that names every item of both lists without repeats; none: go by place."""
    if not all(isinstance(item, dict) for item in (*one, *other)) or not (one and other):
        return ()
    return next((fields for fields in candidates if _are_keys(fields, one) and _are_keys(fields, other)), ())


def item_of(item: Mapping[str, Any], fields: tuple[str, ...]) -> Item:
    return Item(tuple((field, item[field]) for field in fields))


def keys_of(manifest: Manifest, live: Any, steps: FieldPath) -> Sequence[tuple[str, ...]]:
    """Return the fields by which the API server keys the list at `steps`; none where no manager owns items of it."""
    for entry in entries_of(manifest):
        for name in named_below(fields_of(entry), live, steps) or {}:
            if fields := key_of_item(name):
                return (fields,)
    return ()


def named_below(fields: Mapping[str, Any], live: Any, steps: FieldPath) -> Mapping[str, Any] | None:
    """Return what `fields` (fieldsV1) names below `steps` of `live`: empty where all of it; None where nothing."""
    for depth, step in enumerate(steps):
        if not any(name != "." for name in fields):
            return {} if depth else None  # an entry that names nothing at all owns nothing
        live, below = _stepped(fields, live, step)
        if not isinstance(below, dict):
            return None
        fields = below
    return fields


def owned_apart(fields: Mapping[str, Any], live: Any, steps: FieldPath) -> bool:
    """Tell whether `fields` names what is at `steps`, and not only a whole that it is in."""
    return named_below(fields, live, steps) is not None and named_below(fields, live, steps[:-1]) != {}


def _stepped(fields: Mapping[str, Any], live: Any, step: PathElement) -> tuple[Any, Any]:
    if isinstance(step, str):
        return _child(live, step), fields.get(f"f:{step}")
    index = step if isinstance(step, int) else place_of(live, step) if isinstance(live, list) else None
    if index is None or not isinstance(live, list) or index >= len(live):
        return ABSENT, None
    item = live[index]
    return item, next((below for name, below in fields.items() if key_names(name, index, item)), None)


def _child(value: Any, step: PathElement) -> Any:
    match step:
        case str() if isinstance(value, dict):
            return value.get(step, ABSENT)
        case int() if isinstance(value, list) and step < len(value):
            return value[step]
        case Item() if isinstance(value, list):
            index = place_of(value, step)
            return ABSENT if index is None else value[index]
        case _:
            return ABSENT


def _are_keys(fields: tuple[str, ...], items: Sequence[Any]) -> bool:
    values = [tuple(item.get(field) for field in fields) for item in items]
    plain = all(isinstance(value, (str, int)) for key in values for value in key)
    return plain and len(set(values)) == len(values)

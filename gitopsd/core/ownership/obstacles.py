"""What of a live object stands in the way of what Git says, where the API server refuses both together.

An apply leaves what it does not set. So the other member of a union (`rollingUpdate` beside `type: Recreate`,
`valueFrom` beside `value`), which the server filled in or a person wrote by hand, stays beside what Git says, and the
two together are refused. The refusal names fields; what Git does not set at these is what stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gitopsd.core.compare.diff import path_text
from gitopsd.core.objects.field_path import ABSENT, ITEM_KEYS, at, key_fields, keys_of, named_below, place_of
from gitopsd.core.objects.managed_fields import (
    MANAGER,
    Entry,
    Fields,
    entries_of,
    fields_of,
    is_readable,
    key_names,
    less,
    our_entry,
    union,
)
from gitopsd.core.ownership.causes import Parts, parts_of
from gitopsd.core.ownership.removed import gone_with, without
from gitopsd.model.comparison import FieldPath, Item, PathElement
from gitopsd.model.manifest import Manifest

APPLY = "Apply"
NO_KEY: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldHolder:
    """Who keeps what is in the way: it applied it, so it would apply it again."""

    steps: FieldPath
    manager: str

    @property
    def path(self) -> str:
        return path_text(self.steps)


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What is in the way of a target."""

    free: tuple[FieldPath, ...] = ()  # nobody's, or of who only wrote it once: it may be taken away
    held: tuple[FieldHolder, ...] = ()  # what others have applied


def obstacles(target: Manifest, live: Manifest, fields: Iterable[str]) -> Obstacles:
    """Return what of `live` is in the way of `target`, by the `fields` that the refusal of its apply names.

    Of a field that Git does not set it is that field, or the first above it that Git does not set. Where Git sets all
    that is named, it is an item of the same list that has the same there, or else what stands beside in the same place.
    Never anything of metadata.
    """
    merged = overlaid(target, live)
    named = [steps for field in fields if (steps := _steps(merged, live, parts_of(field)))]
    unset = [way for steps in named if (way := _unset(target, live, steps))]
    doubles = [way for steps in named for way in _doubles(target, live, steps)]
    paths = dict.fromkeys(unset or doubles or [way for steps in named for way in _beside(target, live, steps)])
    holders = [FieldHolder(way, manager) for way in paths for manager in _holders(live, way)]
    held_paths = {holder.steps for holder in holders}
    return Obstacles(tuple(way for way in paths if way not in held_paths), tuple(holders))


def cleared(target: Manifest, live: Manifest, free: Sequence[FieldPath]) -> Manifest:
    """Return about what an apply of `target` makes of `live` without what is at `free`."""
    return overlaid(target, without(live, free))


def claimed(live: Manifest, free: Sequence[FieldPath]) -> tuple[Entry, ...]:
    """Return managedFields in which what is at `free` is ours alone, so that the next apply of ours takes it away."""
    blank = {"manager": MANAGER, "operation": APPLY, "apiVersion": live["apiVersion"], "fieldsType": "FieldsV1"}
    ours = our_entry(live)
    taken: Fields = {}
    for steps in free:
        taken = union(taken, _named(live, live, steps))
    mine = {**(ours or blank), "fieldsV1": union(fields_of(ours or {}), taken)}
    others = ({**entry, "fieldsV1": less(fields_of(entry), taken)} for entry in entries_of(live) if entry != ours)
    return (mine, *(entry for entry in others if entry["fieldsV1"]))


def _named(live: Manifest, value: Any, steps: FieldPath, above: FieldPath = ()) -> Fields:
    """Return what is at `steps` as fieldsV1 names it."""
    if not steps:
        return {}
    head, rest = steps[0], steps[1:]
    name = f"f:{head}" if isinstance(head, str) else _item_name(live, value, above, head)
    return {name: _named(live, at(value, (head,)), rest, (*above, head))}


def _item_name(live: Manifest, items: list[Any], above: FieldPath, step: PathElement) -> str:
    """Return how managedFields name an item of the list at `above`: as an owner of it does, else by its key."""
    index = place_of(items, step) if isinstance(step, Item) else step
    if not isinstance(index, int):
        return ""
    for entry in entries_of(live):
        for name in named_below(fields_of(entry), live, above) or {}:
            if key_names(name, index, items[index]):
                return name
    item = items[index]
    fields = next(iter(keys_of(live, live, above)), NO_KEY) or (
        [field for field, _ in step.key] if isinstance(step, Item) else ()
    )
    key = {field: item[field] for field in sorted(fields) if field in item} if isinstance(item, dict) else item
    return ("k:" if isinstance(item, dict) else "v:") + orjson.dumps(key).decode()


def overlaid(target: Manifest, live: Manifest) -> Manifest:
    """Return about what an apply of `target` makes of `live`: what was ours and Git does not set goes, the rest stays.

    Source: structured-merge-diff, `typed` (merge); what is atomic is told by who owns it.
    """
    ours = our_entry(live)
    remaining = live
    if ours is not None and is_readable(ours, live):
        others = [fields_of(entry) for entry in entries_of(live) if entry != ours]
        remaining = without(live, gone_with(fields_of(ours), others, target, live))
    return dict(_laid(target, remaining, live, ()))


def _laid(target: Any, remaining: Any, live: Manifest, steps: FieldPath) -> Any:
    if isinstance(target, dict) and isinstance(remaining, dict) and not _is_whole(live, steps):
        laid = {name: _laid(value, remaining.get(name), live, (*steps, name)) for name, value in target.items()}
        return {**remaining, **laid}
    if (
        isinstance(target, list)
        and isinstance(remaining, list)
        and target
        and (fields := _keys(target, remaining, live, steps))
    ):
        return list(_woven(target, remaining, live, steps, fields))
    return target


def _is_whole(live: Manifest, steps: FieldPath) -> bool:
    """Tell whether a map of `live` is owned as a whole."""
    below = [named_below(fields_of(entry), live, steps) for entry in entries_of(live)] if steps else []
    return any(fields == {} for fields in below)


def _keys(target: list[Any], remaining: list[Any], live: Manifest, steps: FieldPath) -> tuple[str, ...]:
    if not all(isinstance(item, dict) for item in (*target, *remaining)):
        return NO_KEY
    merge_keys = next(iter(keys_of(live, live, steps)), NO_KEY)
    return merge_keys or key_fields(ITEM_KEYS, target, remaining)


def _woven(
    target: list[Any], remaining: list[Any], live: Manifest, steps: FieldPath, fields: tuple[str, ...]
) -> Iterator[Any]:
    """Yield the items of both: Git's in their order, the others before what follows them."""
    pairs = [(item, place_of(remaining, step := _item(item, fields)), step) for item in target]
    shared = {index for _, index, _ in pairs}
    here = 0
    for item, index, step in pairs:
        while here < len(remaining) and here not in shared:
            yield remaining[here]
            here += 1
        if index is None:
            yield item
            continue
        yield _laid(item, remaining[index], live, (*steps, step))
        here += here == index
    yield from (item for at_, item in enumerate(remaining[here:], here) if at_ not in shared)


def _item(item: Any, fields: tuple[str, ...]) -> Item:
    return Item(tuple((field, item[field]) for field in fields if field in item))


def _steps(merged: Manifest, live: Manifest, parts: Parts) -> FieldPath:
    """Return the way of a cause's field, whose places in lists are of `merged`; none where it leads nowhere."""
    here: Any = merged
    steps: FieldPath = ()
    for part in parts:
        step: PathElement = part
        if isinstance(part, int):
            if not isinstance(here, list) or part >= len(here):
                return ()
            fields = _keys(here, here, live, steps)
            step = _item(here[part], fields) if fields else part
        here = at(here, (part,))
        steps = (*steps, step)
    return () if steps[:1] == ("metadata",) else steps


def _unset(target: Manifest, live: Manifest, steps: FieldPath) -> FieldPath:
    """Return the first way along `steps` that Git does not set, where there is something live; else none."""
    ways = (steps[: depth + 1] for depth in range(len(steps)))
    first = next((way for way in ways if at(target, way) is ABSENT), ())
    return first if len(first) > 1 and at(live, first) is not ABSENT else ()


def _doubles(target: Manifest, live: Manifest, steps: FieldPath) -> Iterator[FieldPath]:
    """Yield the items that Git does not set and that have the same at the end of `steps` as Git's item there."""
    depth = max((depth for depth, step in enumerate(steps) if not isinstance(step, str)), default=0)
    above, rest, value = steps[:depth], steps[depth + 1 :], at(target, steps)
    items, own = at(live, above), steps[depth]
    if value is ABSENT or not rest or not isinstance(items, list) or not isinstance(own, Item):
        return
    fields = tuple(name for name, _ in own.key)
    for item in items:
        way = (*above, _item(item, fields))
        if at(item, rest) == value and at(target, way) is ABSENT:
            yield way


def _beside(target: Manifest, live: Manifest, steps: FieldPath) -> Iterator[FieldPath]:
    """Yield what is live in the place of `steps`, which Git sets, and Git does not set."""
    above = steps[:-1]
    here, target_there = at(live, above), at(target, above)
    both = isinstance(here, dict) and isinstance(target_there, dict)
    if not both or at(target, steps) is ABSENT or len(above) < 2:  # noqa: PLR2004 - never the whole spec
        return
    key = {name for name, _ in above[-1].key} if isinstance(above[-1], Item) else set()
    yield from ((*above, name) for name in here if name not in target_there and name not in key)


def _holders(live: Manifest, steps: FieldPath) -> Sequence[str]:
    """Return who holds what is at `steps` or in it: who applied it, or wrote it by a way of its own, as a scale."""
    names = [str(entry["manager"]) for entry in entries_of(live) if _holds(entry, live, steps)]
    return list(dict.fromkeys(names))


def _holds(entry: Entry, live: Manifest, steps: FieldPath) -> bool:
    if entry == our_entry(live) or named_below(fields_of(entry), live, steps) is None:
        return False
    return entry.get("operation") == APPLY or bool(entry.get("subresource")) or not is_readable(entry, live)

"""What goes from an object when who applied it does not set it any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from gitopsd.core.objects.field_path import ABSENT, at, with_at
from gitopsd.core.objects.managed_fields import Fields, key_names
from gitopsd.core.target.tracking import ARGOCD_TRACKING_ID
from gitopsd.model.comparison import FieldPath, Item, PathElement
from gitopsd.model.manifest import Manifest

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What tools keep for themselves on an object: that it goes with them changes nothing that anybody asked for.
BOOKKEEPING = frozenset({("metadata", "annotations", LAST_APPLIED), ("metadata", "annotations", ARGOCD_TRACKING_ID)})
BY_NAME = frozenset({("metadata", "annotations"), ("metadata", "labels")})  # told one by one, never as a whole


def gone_with(theirs: Fields, others: Sequence[Fields], target: Manifest, manifest: Manifest) -> tuple[FieldPath, ...]:
    """Return what goes from `manifest` where it was of an applier's alone, and `target` does not set it any more.

    An item of a list goes whole where nobody else has anything in it.

    Source: structured-merge-diff, `merge` (prune): what the applier owned, and does not set, goes unless others own it.
    """
    return tuple(_gone(theirs, others, target, manifest, ()))


def without(manifest: Manifest, gone: Iterable[FieldPath]) -> Manifest:
    """Return `manifest` without what is at each of `gone`; places in lists are of the list as it is."""
    remaining: Any = manifest
    for steps in sorted(gone, key=_by_place, reverse=True):
        remaining = with_at(remaining, steps, ABSENT)
    return dict(remaining)


def _by_place(steps: FieldPath) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (0, str(step)) for step in steps]


def _gone(
    fields: Fields, others: Sequence[Fields], target: Manifest, value: Any, steps: FieldPath
) -> Iterator[FieldPath]:
    for name, below in fields.items():
        step = _step(name, value)
        if step is None or (*steps, step) in BOOKKEEPING or (steps and _is_key(steps[-1], step)):
            continue
        way = (*steps, step)
        named = [owned[name] for owned in others if name in owned]
        if named or way in BY_NAME or _is_set(target, steps, name, step) or (below and "." not in below):
            if below:
                # Who names nothing below, where others do, has the map or the item itself, and nothing in it.
                yield from _gone(below, [owned for owned in named if owned], target, at(value, (step,)), way)
        else:
            yield way


def _is_set(target: Manifest, steps: FieldPath, name: str, step: PathElement) -> bool:
    if not name.startswith("v:"):
        return at(target, (*steps, step)) is not ABSENT
    items = at(target, steps)
    return isinstance(items, list) and any(key_names(name, 0, item) for item in items)


def _is_key(item: PathElement, step: PathElement) -> bool:
    """Tell whether the field `step` is of what names the item of a list."""
    return isinstance(item, Item) and any(field == step for field, _ in item.key)


def _step(name: str, value: Any) -> PathElement | None:
    """Return the step that `name` of fieldsV1 is in `value`; None where it leads nowhere there."""
    if name.startswith("f:"):
        return name[2:] if isinstance(value, dict) and name[2:] in value else None
    if not isinstance(value, list):
        return None
    index = next((index for index, item in enumerate(value) if key_names(name, index, item)), None)
    if index is None:
        return None
    return Item(tuple(orjson.loads(name[2:]).items())) if name.startswith("k:") else index

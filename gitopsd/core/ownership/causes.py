"""The fields that a refusal names (the causes of a Status), looked up in what was sent and in what is live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gitopsd.core.objects.field_path import ABSENT, with_at
from gitopsd.model.comparison import FieldPath
from gitopsd.model.manifest import Manifest

Parts = tuple[str | int, ...]  # of a cause's field: names, and places in lists
PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[([^\[\]]*)\]")


def parts_of(field: str) -> Parts:
    """Return the parts of a cause's field, such as `spec.ports[0].name`; a key of a map may stand in brackets, too."""
    return tuple(int(index) if index else name or key for name, index, key in PART.findall(field))


def without_nulls(manifest: Manifest, fields: Iterable[str]) -> Manifest:
    """Return `manifest` without the nulls at `fields`, the very `manifest` where there are none.

    The places in lists that a refusal names are of the object as it would be, so every item's null is meant there.
    """
    remaining: Any = manifest
    for field in fields:
        for steps in reversed(list(_nulls(remaining, parts_of(field), ()))):
            remaining = with_at(remaining, steps, ABSENT)
    return manifest if remaining is manifest else dict(remaining)


def _nulls(value: Any, parts: Parts, steps: FieldPath) -> Iterator[FieldPath]:
    if not parts:
        if value is None:
            yield steps
        return
    head, rest = parts[0], parts[1:]
    if isinstance(head, str) and isinstance(value, dict) and head in value:
        yield from _nulls(value[head], rest, (*steps, head))
    elif isinstance(head, int) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, rest, (*steps, index))

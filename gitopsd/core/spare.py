"""RespectIgnoreDifferences: what is ignored of an object is written as it is live, not as Git has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gitopsd.core.ignore import Rules, without_ignored
from gitopsd.model.manifest import Manifest

GONE = object()


def spared(manifest: Manifest, rules: Rules, live: Manifest) -> Manifest:
    """Return a copy of `manifest` in which the ignored paths are as in `live`.

    Left out instead, a field that only we own would be removed. What other managers own, and the rules name by its
    manager, is left out: it stays theirs.
    """
    kept: Any = without_ignored(manifest, Rules(managers=rules.managers), live)
    for pointer in rules.pointers:
        kept = _with(kept, pointer, _at(live, pointer))
    return kept if isinstance(kept, dict) else manifest


def _at(value: Any, pointer: Sequence[str]) -> Any:
    for name in pointer:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return GONE
    return value


def _with(value: Any, pointer: Sequence[str], found: Any) -> Any:
    """Return `value` with `found` at `pointer`, or without what is there; parents that Git does not have stay away."""
    head, rest = pointer[0], pointer[1:]
    if isinstance(value, dict):
        if rest:
            return {**value, head: _with(value[head], rest, found)} if head in value else value
        if found is GONE:
            return {name: item for name, item in value.items() if name != head}
        return {**value, head: found} if head in value else value
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        place = int(head)
        if rest:
            return [*value[:place], _with(value[place], rest, found), *value[place + 1 :]]
        return [*value[:place], *([] if found is GONE else [found]), *value[place + 1 :]]
    return value

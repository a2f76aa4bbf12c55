"""Two values of one type: merged, compared, and one without some of its fields.

The rules are those of structured merge (sigs.k8s.io/structured-merge-diff): maps merge by key, keyed lists and sets by
their elements, all else is replaced whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gitopsd.sim.fieldset import Fields, has, insert
from gitopsd.sim.schema import FREE, Free, List, Scalar, Struct, Type
from gitopsd.sim.typed import deduced, element_of

ABSENT: Any = object()
_TWICE = 2
_FREE_MAP = Struct({}, FREE)


def merged(live: Any, applied: Any, kind: Type) -> Any:
    """Return `live` with all that `applied` sets; where both set a leaf, `applied` wins."""
    if applied is ABSENT:
        return live
    if live is ABSENT:
        live = None
    kind = deduced(kind, applied if applied is not None else live)
    if isinstance(kind, Scalar) or (isinstance(kind, List) and kind.how == "atomic"):
        return applied
    if isinstance(kind, Struct):
        return _merged_maps(live, applied, kind)
    if isinstance(kind, List):
        return _merged_lists(live, applied, kind)
    return applied


def _merged_maps(live: Any, applied: Any, kind: Struct) -> Any:
    if kind.atomic or not isinstance(live, dict) or not live:
        if kind.atomic or not isinstance(applied, dict) or not applied:
            return applied
        live = {}
    if not applied:
        return live
    out = dict(live)
    for name, value in applied.items():
        declared = kind.fields.get(name)
        inner = declared.type if declared is not None else kind.extra
        out[name] = value if inner is None else merged(live.get(name, ABSENT), value, inner)
    return out


def _merged_lists(live: Any, applied: Any, kind: List) -> Any:
    if not live or not applied:
        return applied or live or applied
    mine = [(element_of(item, kind), item) for item in live]
    theirs = [(element_of(item, kind), item) for item in applied]
    here, theirs_by_element = _grouped(live, kind), dict(theirs)
    rest = {element: iter(items) for element, items in here.items()}
    return [
        merged(_only(here.get(element, [])), theirs_by_element[element], kind.item)
        if element in theirs_by_element
        else next(rest[element])
        for element in _woven([element for element, _ in mine], [element for element, _ in theirs])
    ]


def _grouped(items: Any, kind: List) -> dict[str | None, list[Any]]:
    """Return the items of a live list by their element; one that was written there twice has two."""
    groups: dict[str | None, list[Any]] = {}
    for item in items if isinstance(items, list) else ():
        groups.setdefault(element_of(item, kind), []).append(item)
    return groups


def _only(items: Sequence[Any]) -> Any:
    return items[0] if len(items) == 1 else ABSENT


def _woven(live: Sequence[Any], applied: Sequence[Any]) -> list[Any]:
    """Return both orders in one: shared elements as applied, others after the shared one they follow in `live`.

    An element that only `live` has stays where it is between shared ones; one that only `applied` has comes where
    it stands in `applied`, after what `live` has there.
    """
    applied_set, there = set(applied), set(live)
    shared = [element for element in applied if element in there]
    out: list[Any] = []
    live_at = applied_at = due = 0
    taken: set[Any] = set()
    while live_at < len(live) or applied_at < len(applied):
        if live_at < len(live):
            element = live[live_at]
            if applied_at < len(applied) and element == applied[applied_at]:
                out.append(element)
                taken.add(element)
                live_at, applied_at, due = live_at + 1, applied_at + 1, due + 1
                continue
            if element in applied_set and applied_at < len(applied) and due < len(shared) and shared[due] != element:
                live_at += 1  # its turn comes with its place in `applied`
                continue
            if element not in applied_set:
                out.append(element)
                live_at += 1
                continue
            if element in taken:
                live_at += 1
        if applied_at < len(applied):
            element = applied[applied_at]
            out.append(element)
            taken.add(element)
            applied_at += 1
            if due < len(shared) and shared[due] == element:
                due += 1
    return out


@dataclass(slots=True)
class ValueChanges:
    """What differs between two values, by path."""

    added: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    removed: Fields = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


def compared(old: Any, new: Any, kind: Type) -> ValueChanges:
    """Return what `new` adds to, changes in and removes from `old`."""
    changes = ValueChanges()
    _compare(old, new, kind, [], changes)
    return changes


def _compare(old: Any, new: Any, kind: Type, path: list[str], changes: ValueChanges) -> None:
    if old is not ABSENT and new is not ABSENT and type(old) is type(new) and old == new:
        return
    effective = deduced(kind, new if new is not ABSENT and new is not None else old)
    leaf = _is_leaf(old, new, effective)
    if leaf and old is not ABSENT and new is not ABSENT:
        insert(changes.modified, path)
        if isinstance(kind, Free) and isinstance(old, dict) != isinstance(new, dict):
            _compare_maps(old, new, _FREE_MAP, path, changes)  # what was below is gone, or what is below is new
    elif not leaf and isinstance(effective, Struct):
        _compare_maps(old, new, effective, path, changes)
    elif not leaf and isinstance(effective, List):
        _compare_lists(old, new, effective, path, changes)
    if old is ABSENT:
        insert(changes.added, path)
    elif new is ABSENT:
        insert(changes.removed, path)


def _is_leaf(old: Any, new: Any, kind: Type) -> bool:
    if isinstance(kind, Struct):
        filled = any(isinstance(one, dict) and one for one in (old, new))
        clash = not all(one is ABSENT or one is None or isinstance(one, dict) for one in (old, new))
        return kind.atomic or not filled or clash
    if isinstance(kind, List):
        filled = any(isinstance(one, list) and one for one in (old, new))
        clash = not all(one is ABSENT or one is None or isinstance(one, list) for one in (old, new))
        return kind.how == "atomic" or not filled or clash
    return True


def _compare_maps(old: Any, new: Any, kind: Struct, path: list[str], changes: ValueChanges) -> None:
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    for name in before.keys() | after.keys():
        declared = kind.fields.get(name)
        inner = declared.type if declared is not None else kind.extra
        if inner is not None:
            path.append("f:" + name)
            _compare(before.get(name, ABSENT), after.get(name, ABSENT), inner, path, changes)
            path.pop()


def _compare_lists(old: Any, new: Any, kind: List, path: list[str], changes: ValueChanges) -> None:
    before, after = _grouped(old, kind), _grouped(new, kind)
    for element in before.keys() | after.keys():
        if element is not None:
            path.append(element)
            _compare_items(before.get(element, []), after.get(element, []), kind.item, path, changes)
            path.pop()


def _compare_items(old: list[Any], new: list[Any], kind: Type, path: list[str], changes: ValueChanges) -> None:
    """Compare the items of one element; those that are there twice are one leaf, whatever is in them."""
    if len(old) < _TWICE and len(new) < _TWICE:
        _compare(_only(old), _only(new), kind, path, changes)
        return
    if old == new:
        return
    if len(old) >= _TWICE and len(new) >= _TWICE:
        insert(changes.modified, path)
        return
    for items, changed in ((old, changes.removed), (new, changes.added)):
        if len(items) >= _TWICE:
            insert(changed, path)
    _compare(_only(old), ABSENT, kind, path, changes)
    _compare(ABSENT, _only(new), kind, path, changes)


def without(value: Any, fields: Fields, kind: Type) -> Any:
    """Return `value` without the members of `fields`, each with all below it."""
    kind = deduced(kind, value)
    if isinstance(kind, Struct) and isinstance(value, dict) and value:
        if kind.atomic:
            return None
        out = {}
        for name, item in value.items():
            node = fields.get("f:" + name)
            if node is None:
                out[name] = item
            elif not has(node):
                declared = kind.fields.get(name)
                out[name] = without(item, node, declared.type if declared else kind.extra or kind)
        return out
    if isinstance(kind, List) and isinstance(value, list) and value:
        return _list_without(value, fields, kind)
    return value


def _list_without(value: list[Any], fields: Fields, kind: List) -> Any:
    if kind.how == "atomic":
        return None
    remaining = []
    for item in value:
        node = fields.get(element_of(item, kind) or "")
        if node is None:
            remaining.append(item)
        elif not has(node):
            remaining.append(without(item, node, kind.item))
    return remaining

"""Sets of field paths, in the form in which managedFields writes them.

A set is a tree of path elements: `f:name`, `k:{"key":value}`, `v:value`. An element is a member when it has no
children, or when "." is among them. Trees are read-only and shared: every function returns a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gitopsd.sim.schema import Struct, Type

Fields = dict[str, Any]  # element → Fields
MEMBER = "."


def insert(fields: Fields, path: Sequence[str]) -> None:
    """Make `path` a member of `fields`, in place; for a set that is being built, and not shared yet."""
    here = fields
    last = len(path) - 1
    for depth, element in enumerate(path):
        below = here.get(element)
        if below is None:
            here[element] = below = {}
            if depth == last:
                return
        elif (not below and depth < last) or (below and depth == last):
            below[MEMBER] = {}
        here = below


def has(node: Fields) -> bool:
    """Tell whether a node of a set is a member itself."""
    return not node or MEMBER in node


def union(one: Fields, two: Fields) -> Fields:
    """Return what is in either."""
    if not one or not two:
        return one or two
    out = dict(one)
    for element, node in two.items():
        mine = out.get(element)
        out[element] = node if mine is None else _join(mine, node)
    return out


def _join(one: Fields, two: Fields) -> Fields:
    if not one or not two:
        filled = one or two
        return filled if not filled or MEMBER in filled else {MEMBER: {}, **filled}
    return union(one, two)


def difference(one: Fields, two: Fields) -> Fields:
    """Return the members of `one` that are not members of `two`; members below them stay."""
    if not one or not two:
        return one
    out: Fields = {}
    for element, node in one.items():
        other = two.get(element)
        if other is None:
            out[element] = node
        elif element != MEMBER:
            remaining = _node(node, difference(node, other), member=has(node) and not has(other))
            if remaining is not None:
                out[element] = remaining
    return out


def intersection(one: Fields, two: Fields) -> Fields:
    """Return what is in both."""
    out: Fields = {}
    for element, node in one.items():
        other = two.get(element)
        if other is not None and element != MEMBER:
            both = _node(node, intersection(node, other), member=has(node) and has(other))
            if both is not None:
                out[element] = both
    return out


def _node(_whole: Fields, below: Fields, *, member: bool) -> Fields | None:
    rest = {element: node for element, node in below.items() if element != MEMBER}
    if not rest:
        return {} if member else None
    return {MEMBER: {}, **rest} if member else rest


def with_parents(fields: Fields, kind: Type) -> Fields:
    """Return `fields` and every declared field above a member; list items and map keys above one stay out."""
    if not fields or not isinstance(kind, Struct):
        return {element: with_parents(node, below(kind, element)) for element, node in fields.items()}
    out: Fields = {}
    for element, node in fields.items():
        inner = with_parents(node, below(kind, element)) if node else node
        if inner and MEMBER not in inner and element[2:] in kind.fields and element[:2] == "f:":
            inner = {MEMBER: {}, **inner}
        out[element] = inner
    return out


def below(kind: Type, element: str) -> Type:
    """Return the type that a path element leads to from `kind`."""
    from gitopsd.sim.schema import FREE, List

    if isinstance(kind, Struct):
        declared = kind.fields.get(element[2:])
        if declared is not None:
            return declared.type
        return kind.extra or FREE
    return kind.item if isinstance(kind, List) else FREE


def members(fields: Fields, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every member."""
    for element, node in fields.items():
        if element == MEMBER:
            continue
        here = (*path, element)
        if has(node):
            yield here
        yield from members(node, here)


def only(fields: Fields, element: str) -> Fields:
    """Return what of `fields` is at or below a first element."""
    return {element: fields[element]} if element in fields else {}


def without(fields: Fields, *elements: str) -> Fields:
    """Return `fields` without some first elements."""
    return {element: node for element, node in fields.items() if element not in elements}

"""Values against their types: what an applied object sets, or why it cannot be typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gitopsd.sim.fieldset import MEMBER, Fields
from gitopsd.sim.schema import FREE, Field, Free, List, Scalar, Struct, Type


class Untyped(Exception):
    """The value does not fit its type; the message names every path that does not."""


def fields_of(value: Any, kind: Type) -> Fields:
    """Return the set of fields that `value` sets.

    Raises:
        Untyped: an unknown field, a wrong type, or a list item without key or twice.
    """
    errors: list[str] = []
    fields = _fields(value, kind, "", errors)
    if errors:
        raise Untyped("errors:\n" + "\n".join(f"  {error}" for error in errors) if len(errors) > 1 else errors[0])
    return fields


def loose_fields_of(value: Any, kind: Type) -> Fields:
    """Return the set of fields of a live value, which may hold what its type no longer has."""
    return _fields(value, kind, "", [])


def _fields(value: Any, kind: Type, path: str, errors: list[str]) -> Fields:
    if isinstance(kind, Free):
        return _free_fields(value)
    if isinstance(kind, Scalar):
        if value is not None and not fits(value, kind):
            errors.append(f"{path}: {_expected(kind)}, got {_text(value)}")
        return {}
    if isinstance(kind, List):
        return _list_fields(value, kind, path, errors)
    if value is None:
        return {}
    if not isinstance(value, dict):
        errors.append(f"{path}: expected map, got {_text(value)}")
        return {}
    return _struct_fields(value, kind, path, errors)


def _struct_fields(value: Mapping[str, Any], kind: Struct, path: str, errors: list[str]) -> Fields:
    out: Fields = {}
    for name, item in value.items():
        declared = kind.fields.get(name)
        inner = declared.type if declared is not None else kind.extra
        if inner is None:
            errors.append(f"{path}.{name}: field not declared in schema")
            continue
        node = _fields(item, inner, f"{path}.{name}", errors)
        if node and declared is None and MEMBER not in node:
            node = {MEMBER: {}, **node}
        if node or declared is None or _is_leaf(item, inner):
            out["f:" + name] = node
    return {} if kind.atomic else out


def _is_leaf(value: Any, kind: Type) -> bool:
    """Tell whether a value is a member though it has no fields below it; a keyed list without items is not."""
    if isinstance(kind, Struct):
        return kind.atomic or not value
    if isinstance(kind, List):
        return kind.how == "atomic" or value is None
    return True


def _list_fields(value: Any, kind: List, path: str, errors: list[str]) -> Fields:
    if value is None:
        return {}
    if not isinstance(value, list):
        errors.append(f"{path}: expected list, got {_text(value)}")
        return {}
    out: Fields = {}
    for number, item in enumerate(value):
        if kind.how == "atomic":
            _fields(item, kind.item, f"{path}[{number}]", errors)
            continue
        element = element_of(item, kind)
        if element is None:
            errors.append(
                f"{path}: element {number}: associative list with keys has an element that omits all key fields"
            )
            continue
        if element in out:
            errors.append(f"{path}: duplicate entries for key [{element[2:]}]")
            out[element] = {}  # of a live list: one leaf
            continue
        node = _fields(item, kind.item, f"{path}[{element[2:]}]", errors)
        out[element] = {MEMBER: {}, **node} if node and MEMBER not in node else node
    return out


def _free_fields(value: Any) -> Fields:
    if not isinstance(value, dict):
        return {}
    out: Fields = {}
    for name, item in value.items():
        node = _free_fields(item)
        out["f:" + name] = {MEMBER: {}, **node} if node else node
    return out


def element_of(item: Any, kind: List) -> str | None:
    """Return the path element of a list item; None when it has none of the keys."""
    if kind.how == "set":
        return "v:" + orjson.dumps(item).decode()
    if not isinstance(item, dict):
        return None
    keys = {}
    for key in kind.keys:
        declared = None if key in item else _field(kind.item, key)
        if key in item:
            keys[key] = item[key]
        elif declared and declared.default is not None:
            keys[key] = declared.default
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode() if keys else None


def _field(kind: Type, name: str) -> Field | None:
    return kind.fields.get(name) if isinstance(kind, Struct) else None


def fits(value: Any, kind: Scalar) -> bool:
    """Tell whether a scalar may hold `value`, as far as types go."""
    match kind.name:
        case "str" | "bytes" | "time" | "micro":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int" | "long" | "num":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, str | int | float) and not isinstance(value, bool)


def _expected(kind: Scalar) -> str:
    match kind.name:
        case "int" | "long" | "num":
            return "expected numeric (int or float)"
        case "bool":
            return "expected boolean"
        case "str" | "bytes" | "time" | "micro":
            return "expected string"
        case _:
            return "expected scalar"


def _text(value: Any) -> str:
    return f"&value.valueUnstructured{{Value:{orjson.dumps(value).decode()}}}"


def deduced(kind: Type, value: Any) -> Type:
    """Return `kind`, or for free-form values the type that `value` itself shows."""
    if not isinstance(kind, Free):
        return kind
    if isinstance(value, dict):
        return _FREE_MAP
    return _FREE_LIST if isinstance(value, list) else _FREE_SCALAR


_FREE_MAP = Struct({}, FREE)
_FREE_LIST = List(FREE, "atomic")
_FREE_SCALAR = Scalar("str")

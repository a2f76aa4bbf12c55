"""Read fields of parsed JSON that anybody may have written: absent and null are defaults, a wrong type is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class WrongShape(Exception):
    """A field does not have the type that its kind gives it; the text names the path."""


def mapping_at(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the object at `path`; empty where it is absent or null."""
    return _typed(value, path, dict, "an object") or {}


def items_at(value: Any, *path: str) -> Sequence[Mapping[str, Any]]:
    """Return the list of objects at `path`; empty where it is absent or null."""
    items = _typed(value, path, list, "a list") or []
    for item in items:
        if not isinstance(item, dict):
            raise WrongShape(f".{'.'.join(path)} holds {_type(item)} instead of objects")
    return items


def text_at(value: Any, *path: str) -> str:
    """Return the string at `path`; "" where it is absent or null."""
    return _typed(value, path, str, "a string") or ""


def flag_at(value: Any, *path: str) -> bool:
    """Return the boolean at `path`; False where it is absent or null."""
    return bool(_typed(value, path, bool, "a boolean"))


def number_at(value: Any, *path: str, default: int = 0) -> int:
    """Return the integer at `path`; `default` where it is absent or null."""
    number = _typed(value, path, int, "an integer")
    if isinstance(number, bool):
        raise WrongShape(f".{'.'.join(path)} is a boolean instead of an integer")
    return default if number is None else int(number)


def _typed(value: Any, path: tuple[str, ...], kind: type, words: str) -> Any:
    current = value
    for depth, name in enumerate(path):
        if current is None:
            return None
        if not isinstance(current, dict):
            raise WrongShape(f".{'.'.join(path[:depth])} is {_type(current)} instead of an object")
        current = current.get(name)
    if current is not None and not isinstance(current, kind):
        raise WrongShape(f".{'.'.join(path)} is {_type(current)} instead of {words}")
    return current


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
    return names.get(type(value), f"a {type(value).__name__}")

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
    found = _typed(value, path, list, "a list") or []
    for item in found:
        if not isinstance(item, dict):
            raise WrongShape(f".{'.'.join(path)} holds {_type(item)} instead of objects")
    return found


def text_at(value: Any, *path: str) -> str:
    """Return the string at `path`; "" where it is absent or null."""
    return _typed(value, path, str, "a string") or ""


def flag_at(value: Any, *path: str) -> bool:
    """Return the boolean at `path`; False where it is absent or null."""
    return bool(_typed(value, path, bool, "a boolean"))


def number_at(value: Any, *path: str, default: int = 0) -> int:
    """Return the integer at `path`; `default` where it is absent or null."""
    found = _typed(value, path, int, "an integer")
    if isinstance(found, bool):
        raise WrongShape(f".{'.'.join(path)} is a boolean instead of an integer")
    return default if found is None else int(found)


def _typed(value: Any, path: tuple[str, ...], wanted: type, words: str) -> Any:
    found = value
    for depth, name in enumerate(path):
        if found is None:
            return None
        if not isinstance(found, dict):
            raise WrongShape(f".{'.'.join(path[:depth])} is {_type(found)} instead of an object")
        found = found.get(name)
    if found is not None and not isinstance(found, wanted):
        raise WrongShape(f".{'.'.join(path)} is {_type(found)} instead of {words}")
    return found


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
    return names.get(type(value), f"a {type(value).__name__}")

"""Patches of JSON: RFC 7386 merge patches, and RFC 6902 patches without what makes a document grow out of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.errors import BadRequest

MOST_OPERATIONS = 1000
OPERATIONS = frozenset({"add", "remove", "replace", "test"})  # `copy` can double a document each time
REMEDY = "send a list of operations add, remove, replace and test (RFC 6902)"


def merge_patched(value: Any, patch: Any) -> Any:
    """Return `value` with a merge patch on it; what it was given stays as it is. Raises BadRequest for no object."""
    if not isinstance(patch, Mapping):
        raise BadRequest("the patch is not a JSON object", remedy="send a merge patch (RFC 7386)")
    return _merged(value, patch)


def json_patched(value: Any, patch: Any) -> Any:
    """Return `value` with a JSON patch on it; what it was given stays as it is.

    Raises:
        BadRequest: it is no such patch, does not fit, or tests for something else.
    """
    from jsonpatch import JsonPatch, JsonPatchException
    from jsonpointer import JsonPointerException

    operations = patch_operations(patch)
    try:
        return JsonPatch(operations).apply(value)
    except (JsonPatchException, JsonPointerException, TypeError, ValueError, KeyError, IndexError) as err:
        raise BadRequest(f"the patch does not fit: {err}", remedy=REMEDY) from err


def patch_operations(patch: Any) -> list[dict[str, Any]]:
    """Return the operations of a JSON patch. Raises BadRequest where it is none, or copies."""
    if not isinstance(patch, list) or len(patch) > MOST_OPERATIONS or not all(map(_is_operation, patch)):
        raise BadRequest("the patch is no list of operations, or of others than these", remedy=REMEDY)
    return patch


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    old = value if isinstance(value, Mapping) else {}
    kept = {name: item for name, item in old.items() if name not in patch}
    return kept | {name: _merged(old.get(name), item) for name, item in patch.items() if item is not None}


def _is_operation(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("op") in OPERATIONS and isinstance(item.get("path"), str)


def merge_patch_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merge patch that makes `new` out of `old`; empty where they are equal."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            if changed := merge_patch_between(before, value):
                patch[name] = changed
        elif name not in old or not _is_same(before, value):
            patch[name] = value
    return patch


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; `==` alone takes True and 1 for one."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    return type(one) is type(other) and bool(one == other)

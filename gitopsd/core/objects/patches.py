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

"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386), as the server understands them."""

from __future__ import annotations

import copy
from typing import Any

from gitopsd.sim.answers import Refusal, bad_request


class _PatchUnfit(Exception):
    """An operation does not fit the document."""


def merge_patched(value: Any, patch: Any) -> Any:
    """Return `value` with a merge patch: maps merge, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            out.pop(name, None)
        else:
            out[name] = merge_patched(out.get(name), item)
    return out


def json_patched(value: Any, operations: Any) -> Any:
    """Return `value` after the operations of a JSON patch.

    Raises:
        Refusal: 400, it is no patch; 422, an operation does not fit, or a test fails.
    """
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    root = {"": copy.deepcopy(value)}
    for operation in operations:
        try:
            _run(root, operation)
        except _PatchUnfit as err:
            message = f"the server rejected our request due to an error in our request: {err}"
            raise Refusal(422, "Invalid", message, {}) from None
    return root[""]


def _run(root: dict[str, Any], operation: dict[str, Any]) -> None:
    path = operation.get("path")
    if not isinstance(path, str) or (path and path[0] != "/"):
        raise _PatchUnfit(f"path {path!r}")
    match operation.get("op"):
        case "add":
            _add(root, path, operation.get("value"))
        case "remove":
            _remove(root, path)
        case "replace":
            _replace(root, path, operation.get("value"))
        case "test":
            if not _equal(root, path, operation.get("value")):
                raise _PatchUnfit(f"testing path {path} failed")
        case "copy":
            _add(root, path, copy.deepcopy(_get(root, f"{operation.get('from')}")))
        case "move":
            moved = _get(root, f"{operation.get('from')}")
            _remove(root, f"{operation.get('from')}")
            _add(root, path, moved)
        case other:
            raise _PatchUnfit(f"unexpected kind: {other}")


def _equal(root: dict[str, Any], path: str, value: Any) -> bool:
    here, last = _parent(root, path)
    if isinstance(here, dict) and last not in here:
        return value is None
    return bool(_child(here, last, path) == value)


def _parent(root: dict[str, Any], path: str) -> tuple[Any, str]:
    here: Any = root
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    for part in parts[:-1]:
        here = _child(here, part, path)
    return here, parts[-1]


def _child(here: Any, part: str, path: str) -> Any:
    if isinstance(here, dict) and part in here:
        return here[part]
    if isinstance(here, list):
        return here[_index(part, len(here) - 1, path)]
    raise _PatchUnfit(f"doc is missing path: {path}")


def _index(part: str, most: int, path: str) -> int:
    if not part.isdecimal() or int(part) > most:
        raise _PatchUnfit(f"no item {part}: {path}")
    return int(part)


def _get(root: dict[str, Any], path: str) -> Any:
    here, last = _parent(root, path)
    return _child(here, last, path)


def _add(root: dict[str, Any], path: str, value: Any) -> None:
    here, last = _parent(root, path)
    if isinstance(here, list):
        here.insert(len(here) if last == "-" else _index(last, len(here), path), value)
    elif isinstance(here, dict):
        here[last] = value
    else:
        raise _PatchUnfit(f"doc is missing path: {path}")


def _replace(root: dict[str, Any], path: str, value: Any) -> None:
    here, last = _parent(root, path)
    if isinstance(here, list):
        here[_index(last, len(here) - 1, path)] = value
    elif isinstance(here, dict):
        here[last] = value  # also where there was none, as the server does
    else:
        raise _PatchUnfit(f"doc is missing path: {path}")


def _remove(root: dict[str, Any], path: str) -> None:
    here, last = _parent(root, path)
    _child(here, last, path)
    if isinstance(here, list):
        del here[int(last)]
    else:
        del here[last]

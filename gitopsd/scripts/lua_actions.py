"""Users' actions in Lua, in Argo CD's form: `obj` and `actionParams` in, the object or a list of operations out.

Runs in a worker, which may be killed at any time.

Source: Argo CD, docs/operator-manual/resource_actions.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lupa.luajit21 as lupa
import orjson

from gitopsd.scripts.lua import FAULTS, SANDBOX, fault_of, runtime

DISCOVER, ACT = f"{__name__}:discover", f"{__name__}:act"
DEEPEST = 100  # nesting of what a script returns
OPERATIONS = ("create", "patch")
ACTION = """
return function(source, name, obj, params)
  local env = environment(obj, false)
  env.os, env.actionParams = clock, params
  local result = run(source, name, env)
  return type(result), result
end
"""


def discover(script: str, text: str, memory_bytes: int) -> dict[str, Any]:
    """Return `actions`: what a script offers for the object that `text` is as JSON, by name.

    What goes wrong in the script is `error`, in one line.
    """
    try:
        _, result = _run(script, "=discovery.lua", orjson.loads(text), {}, memory_bytes)
    except FAULTS as err:
        return {"error": fault_of(err, memory_bytes)}
    if result == []:  # an empty table is either
        return {"actions": {}}
    return {"actions": result} if isinstance(result, dict) else {"error": "it returns no table of actions by name"}


def act(script: str, text: str, params: Mapping[str, str], memory_bytes: int) -> dict[str, Any]:
    """Return `outcomes`, each an `operation` and a `resource`: what a script makes of the object that `text` is.

    What goes wrong in the script is `error`, in one line.
    """
    obj = orjson.loads(text)
    try:
        before, result = _run(script, "=action.lua", obj, params, memory_bytes)
    except FAULTS as err:
        return {"error": fault_of(err, memory_bytes)}
    items = result if isinstance(result, list) else [{"operation": "patch", "resource": result}]
    outcomes = []
    for item in items:
        operation, resource = (item.get("operation"), item.get("resource")) if isinstance(item, dict) else (None, None)
        if operation not in OPERATIONS or not isinstance(resource, dict):
            return {"error": "it returns neither an object nor a list of operations, each create or patch"}
        restored = _restored(resource, before, obj) if operation == "patch" else resource
        outcomes.append({"operation": operation, "resource": restored})
    return {"outcomes": outcomes}


def _run(script: str, name: str, obj: Any, params: Mapping[str, str], memory_bytes: int) -> tuple[Any, Any]:
    """Return `obj` as Lua gives it back unchanged, and what the script returns."""
    lua = runtime(memory_bytes)
    before = _value(lua.table_from(obj, recursive=True))
    run = lua.execute(SANDBOX + ACTION)
    kind, result = run(script, name, lua.table_from(obj, recursive=True), lua.table_from(dict(params)))
    return before, _value(result) if kind == "table" else None


def _value(value: Any, depth: int = 0) -> Any:
    """Return a value of Lua as JSON has it; an empty table is an empty list, for Lua does not tell which."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return int(value) if value.is_integer() else value
    if lupa.lua_type(value) != "table":
        raise ValueError(f"a {lupa.lua_type(value)} is no JSON")
    if depth == DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    items = {key: _value(item, depth + 1) for key, item in value.items()}
    if all(isinstance(key, str) for key in items):
        return items or []
    if set(items) != set(range(1, len(items) + 1)):
        raise ValueError("a table has holes, or names beside numbers")
    return [items[index] for index in range(1, len(items) + 1)]


def _restored(new: Any, before: Any, original: Any) -> Any:
    """Return what a script made of `original`, where it changed nothing as that was.

    On its way through Lua an empty object becomes a list, a null goes, and a large number is rounded.
    """
    if _same(new, before):
        return original
    if isinstance(original, dict) and new == []:
        return {}
    if isinstance(original, dict) and isinstance(new, dict):
        before = before if isinstance(before, dict) else {}
        nulls = {name: None for name, value in original.items() if value is None and name not in new}
        changed = {
            name: _restored(value, before.get(name), original[name]) if original.get(name) is not None else value
            for name, value in new.items()
            if name in original or value != []  # which may have been meant as an object: nothing is said by it
        }
        return {**changed, **nulls}
    if isinstance(original, list) and isinstance(new, list):
        known = min(len(before), len(original)) if isinstance(before, list) else 0
        return [
            _restored(value, before[index], original[index]) if index < known else value
            for index, value in enumerate(new)
        ]
    return new


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; `==` alone takes True and 1 for one."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)

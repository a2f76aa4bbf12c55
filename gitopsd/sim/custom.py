"""Custom kinds: what a CRD's schema prunes, defaults and validates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitopsd.sim.answers import Invalid, required
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.schema import Field, Struct, builtin, of_openapi

Schema = Mapping[str, Any]
NEW: Any = object()  # stands for what was not there
_OPEN: Schema = {"x-kubernetes-preserve-unknown-fields": True}


def kinds_of(definition: Mapping[str, Any]) -> Iterator[ServedKind]:
    """Yield the kind that a decoded CRD defines, once for each version it serves."""
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        if version["served"]:
            schema = version.get("schema", {}).get("openAPIV3Schema", _OPEN)
            yield ServedKind(
                group=spec["group"],
                version=version["name"],
                kind=names["kind"],
                plural=names["plural"],
                namespaced=spec["scope"] == "Namespaced",
                type=_type(schema),
                short=tuple(names.get("shortNames", ())),
                categories=tuple(names.get("categories", ())),
                status="status" in version.get("subresources", {}),
                generation=True,
                schema=schema,
                singular=names["singular"],
                list_kind=names["listKind"],
                defined=frozenset(f"{spec['group']}/{version['name']}" for version in spec["versions"]),
            )


def _type(schema: Schema) -> Struct:
    declared = of_openapi(schema)
    root = declared if isinstance(declared, Struct) else Struct({})
    text = builtin("ConfigMap").fields["kind"]
    meta = Field(builtin("ObjectMeta"), present=True)
    return replace(root, fields={**root.fields, "apiVersion": text, "kind": text, "metadata": meta})


def pruned(value: Any, schema: Schema, path: str, unknown: list[str]) -> Any:
    """Return `value` without the fields that its schema does not know; `unknown` gets their paths."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return [pruned(item, items, f"{path}[{number}]", unknown) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties: Schema = schema.get("properties", {})
    more = schema.get("additionalProperties")
    keep = schema.get("x-kubernetes-preserve-unknown-fields", False)
    embedded = ("apiVersion", "kind", "metadata") if schema.get("x-kubernetes-embedded-resource") else ()
    out = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if name in properties:
            out[name] = pruned(item, properties[name], where, unknown)
        elif isinstance(more, dict):
            out[name] = pruned(item, more, where, unknown)
        elif keep or more is True or name in embedded:
            out[name] = item
        else:
            unknown.append(where)
    return out


def without_nulls(value: Any, schema: Schema) -> Any:
    """Take out, in place, the nulls where none may be and no default stands in; return `value`."""
    if isinstance(value, list):
        for item in value:
            without_nulls(item, schema.get("items", {}))
    elif isinstance(value, dict):
        more = schema.get("additionalProperties")
        for name, item in list(value.items()):
            part = schema.get("properties", {}).get(name, more if isinstance(more, dict) else {})
            if item is None and part and not part.get("nullable") and "default" not in part:
                del value[name]
            else:
                without_nulls(item, part)
    return value


def defaulted(value: Any, schema: Schema) -> Any:
    """Fill in the schema's defaults, in place, and return `value`; a null where none may be gives way to one."""
    if isinstance(value, list):
        for item in value:
            defaulted(item, schema.get("items", {}))
    elif isinstance(value, dict):
        properties: Schema = schema.get("properties", {})
        for name, part in properties.items():
            missing = name not in value or (value[name] is None and not part.get("nullable"))
            if missing and "default" in part:
                value[name] = _copy(part["default"])
            if name in value:
                defaulted(value[name], part)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            for name, item in value.items():
                if name not in properties:
                    defaulted(item, more)
    return value


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _same_item(item: Any, keys: Sequence[str] | None, old: Any) -> Any:
    """Return the item of the `old` list with the keys of `item`; NEW where there is none, or lists have no keys."""
    if not keys or not isinstance(item, dict) or not isinstance(old, list):
        return NEW
    mark = [item.get(key) for key in keys]
    return next((one for one in old if isinstance(one, dict) and [one.get(key) for key in keys] == mark), NEW)


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


def problems(value: Any, schema: Schema, path: str, old: Any = NEW) -> Iterator[Invalid]:
    """Yield what is invalid in `value` by its schema; what is as it was in `old` may stay, whatever it is."""
    if old is not NEW and value == old:
        return
    if value is None and schema.get("nullable"):
        return
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, int | str) or isinstance(value, bool):
            yield _wrong(path, value, "integer,string")
        return
    type_name = schema.get("type")
    if type_name in _TYPES and not _is(value, type_name):
        yield _wrong(path, value, type_name)
        return
    yield from _limits(value, schema, path)
    if isinstance(value, dict):
        yield from _object_problems(value, schema, path, old)
    elif isinstance(value, list):
        yield from _list_problems(value, schema, path, old)


def _is(value: Any, type_name: str) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    if type_name == "integer" and isinstance(value, float):
        return value == int(value)
    return isinstance(value, _TYPES[type_name])


def _wrong(path: str, value: Any, expected: str) -> Invalid:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", type(None): "null"}
    type_name = names.get(type(value), "number")
    return Invalid(
        path,
        f'Invalid value: "{type_name}": {path} in body must be of type {expected}: "{type_name}"',
        "FieldValueTypeInvalid",
    )


def _limits(value: Any, schema: Schema, path: str) -> Iterator[Invalid]:
    if "enum" in schema and value not in schema["enum"]:
        listed = ", ".join(f'"{one}"' for one in schema["enum"])
        yield Invalid(path, f"Unsupported value: {value!r}: supported values: {listed}", "FieldValueNotSupported")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            least = schema["minimum"]
            yield Invalid(path, f"Invalid value: {value}: {path} in body should be greater than or equal to {least}")
        if "maximum" in schema and value > schema["maximum"]:
            most = schema["maximum"]
            yield Invalid(path, f"Invalid value: {value}: {path} in body should be less than or equal to {most}")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield Invalid(
                path, f'Invalid value: "{value}": {path} in body should be at least {schema["minLength"]} chars long'
            )
        if len(value) > schema.get("maxLength", len(value)):
            yield Invalid(path, f"Too long: may not be more than {schema['maxLength']} bytes", "FieldValueTooLong")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield Invalid(path, f"Invalid value: {value!r}: {path} in body should match '{schema['pattern']}'")


def _object_problems(value: Mapping[str, Any], schema: Schema, path: str, old: Any) -> Iterator[Invalid]:
    properties: Schema = schema.get("properties", {})
    more = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield required(f"{path}.{name}" if path else name)
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        before = old.get(name, NEW) if isinstance(old, dict) else NEW
        if name in properties:
            yield from problems(item, properties[name], where, before)
        elif isinstance(more, dict):
            yield from problems(item, more, where, before)


def _list_problems(value: list[Any], schema: Schema, path: str, old: Any) -> Iterator[Invalid]:
    if len(value) < schema.get("minItems", 0):
        yield Invalid(
            path, f"Invalid value: {len(value)}: {path} in body should have at least {schema['minItems']} items"
        )
    if len(value) > schema.get("maxItems", len(value)):
        yield Invalid(
            path, f"Too many: {len(value)}: must have at most {schema['maxItems']} items", "FieldValueTooMany"
        )
    keys = schema.get("x-kubernetes-list-map-keys")
    marks = []
    for number, item in enumerate(value):
        where = f"{path}[{number}]"
        yield from problems(item, schema.get("items", {}), where, _same_item(item, keys, old))
        how = schema.get("x-kubernetes-list-type")
        if how not in ("set", "map"):
            continue
        mark = [item.get(key) for key in keys or ()] if how == "map" and isinstance(item, dict) else item
        if mark in marks:
            yield Invalid(where, f"Duplicate value: {mark!r}", "FieldValueDuplicate")
        marks.append(mark)

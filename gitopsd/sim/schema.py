"""The types of API objects: what server-side apply needs to know of a kind, for built-in and custom ones alike.

Built-in types are read from `types/*.txt`, one a line (continued by indentation): a name, then its fields.

    NAME FIELD:TYPE ...
    FIELD  `name` optional, left out when zero · `name?` a pointer: zero is a value · `name*` required ·
           `name*?` required, absent when absent · `name+` a struct that is always there
    TYPE   `str int long num bool time micro bytes quantity int-or-str any` · `Struct` · `Struct!` atomic · `<T>` map ·
           `<T>!` atomic map · `[T]` atomic list · `{T}` set · `[T|key,key]` list keyed by those fields;
           `=value` after it is the schema's default
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

SCALARS = frozenset({"str", "int", "long", "num", "bool", "time", "micro", "bytes", "quantity", "int-or-str"})


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A leaf; `name` is one of SCALARS."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Free:
    """Any JSON: maps are owned leaf by leaf, lists whole."""


@dataclass(frozen=True, slots=True, eq=False)
class List:
    """A list: atomic, a set of scalars, or items keyed by fields."""

    item: Type
    how: Literal["atomic", "set", "keyed"]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A map: declared fields, and the type of all others where others are allowed."""

    fields: dict[str, Field]
    extra: Type | None = None
    atomic: bool = False


Type = Scalar | Free | List | Struct


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One declared field of a struct."""

    type: Type
    required: bool = False
    pointer: bool = False  # a zero value is kept
    present: bool = False  # a struct that is there even when nobody set it
    default: Any = None  # of the schema, which completes the keys of list items


FREE = Free()
_SCALAR = {name: Scalar(name) for name in SCALARS}
_OPENAPI = {
    "string": _SCALAR["str"],
    "integer": _SCALAR["int"],
    "number": _SCALAR["num"],
    "boolean": _SCALAR["bool"],
}


@dataclass(slots=True)
class _SchemaReader:
    """Resolves names while types refer to each other in circles."""

    lines: Mapping[str, str]
    structs: dict[str, Struct] = field(default_factory=dict)

    def struct(self, name: str) -> Struct:
        if name not in self.structs:
            self.structs[name] = struct = Struct({})
            for text in self.lines[name].split():
                key, field_type = self.field(text)
                struct.fields[key] = field_type
        return self.structs[name]

    def field(self, text: str) -> tuple[str, Field]:
        head, _, tail = text.partition(":")
        name = head.rstrip("*?+")
        marks = head[len(name) :]
        expression, _, default = tail.partition("=")
        kind = self.type(expression)
        structural = isinstance(kind, Struct) and expression[0] != "<"
        return name, Field(
            kind,
            required="*" in marks,
            pointer="?" in marks,
            present="+" in marks or ("*" in marks and "?" not in marks and structural),
            default=_default(kind, default, required="*" in marks, is_given="=" in tail),
        )

    def type(self, text: str) -> Type:
        body, atomic = text.removesuffix("!"), text.endswith("!")
        if body in _SCALAR:
            return _SCALAR[body]
        if body == "any":
            return FREE
        inner = body[1:-1]
        match body[0]:
            case "[":
                item, _, keys = inner.partition("|")
                return List(self.type(item), "keyed" if keys else "atomic", tuple(keys.split(",")) if keys else ())
            case "{":
                return List(self.type(inner), "set")
            case "<":
                return Struct({}, self.type(inner), atomic)
            case _:
                pass
        struct = self.struct(body)
        return Struct(struct.fields, struct.extra, atomic=True) if atomic else struct


def _default(kind: Type, text: str, *, required: bool, is_given: bool) -> Any:
    if not isinstance(kind, Scalar) or not (is_given or required):
        return None
    if kind.name in ("int", "long", "num"):
        return int(text or 0)
    if kind.name == "bool":
        return text == "true"
    return text if is_given or kind.name == "str" else None


@cache
def builtin(name: str) -> Struct:
    """Return the built-in type `name`."""
    return _reader().struct(name)


@cache
def _reader() -> _SchemaReader:
    lines: dict[str, str] = {}
    for file in sorted(files("gitopsd.sim").joinpath("types").iterdir(), key=lambda file: file.name):
        for line in file.read_text().replace("\n  ", " ").splitlines():
            name, _, fields = line.partition(" ")
            lines[name] = fields
    return _SchemaReader(lines)


def of_openapi(schema: Mapping[str, Any]) -> Type:
    """Return the type that a custom kind's OpenAPI v3 schema, or a part of it, describes."""
    if schema.get("x-kubernetes-int-or-string"):
        return _SCALAR["int-or-str"]
    kind = schema.get("type", "")
    if kind == "array":
        return _list_of_openapi(schema)
    return _struct_of_openapi(schema) if kind == "object" else _OPENAPI.get(kind, FREE)


def _list_of_openapi(schema: Mapping[str, Any]) -> List:
    item = of_openapi(schema.get("items", {}))
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return List(item, "set")
        case "map":
            return List(item, "keyed", tuple(schema["x-kubernetes-list-map-keys"]))
        case _:
            return List(item, "atomic")


def _struct_of_openapi(schema: Mapping[str, Any]) -> Type:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    more = schema.get("additionalProperties")
    extra: Type | None = None
    if isinstance(more, dict):
        extra = of_openapi(more)
    elif more is True or schema.get("x-kubernetes-preserve-unknown-fields"):
        extra = FREE
    if schema.get("x-kubernetes-embedded-resource"):
        extra = FREE
    fields = {
        name: Field(of_openapi(part), pointer=True, default=part.get("default"))
        for name, part in schema.get("properties", {}).items()
    }
    return Struct(fields, extra, atomic)

"""JSON of Argo CD's REST API as its messages, so that each shape is written once; what a message lacks is left out."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gitopsd.core.text.times import rfc3339
from gitopsd.errors import BadRequest

MessageFields = dict[str, Any]
Convert = Callable[[Any], Any]  # None: it cannot be said

# Fields whose own fields stand in JSON beside those of their message.
INLINED = {
    "ResourceNode": "resourceRef",
    "SyncStrategyHook": "syncStrategyApply",
    "KustomizeSelector": "resId",
    "KustomizeResId": "gvk",
}
BARE = {"OptionalMap": "map", "OptionalArray": "array"}  # in JSON the only field's value stands for the message
INTEGERS = {
    FieldDescriptor.TYPE_INT32: 1 << 31,
    FieldDescriptor.TYPE_INT64: 1 << 63,
}
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def message_of(kind: type[Message], value: Mapping[str, Any]) -> Message:
    """Return `value`, JSON in the shape of Argo CD's REST API, as a message of `kind`.

    What has no field, and what no field of its type can hold, is left out: specs are shown as they are declared.
    """
    return kind(**_fields_of(cast(Descriptor, kind.DESCRIPTOR), value))


def json_of(message: Message) -> dict[str, Any]:
    """Return a message as JSON in the shape of Argo CD's REST API, without the texts and lists that are empty.

    Go's clients write those where nothing was said; a `false` and a 0 may have been, and stay.
    """
    document: dict[str, Any] = {}
    for field, value in message.ListFields():
        said = _said(field, value)
        if said in ("", [], None) or (said == {} and field.is_repeated):
            continue
        if field.name == INLINED.get(message.DESCRIPTOR.name):
            document |= said
        else:
            document[field.name] = said
    return document


def _said(field: FieldDescriptor, value: Any) -> Any:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        one = kind.fields_by_name["value"]
        return {name: _one_said(one, item) for name, item in value.items()}
    return [_one_said(field, item) for item in value] if field.is_repeated else _one_said(field, value)


def _one_said(field: FieldDescriptor, value: Any) -> Any:
    kind = field.message_type
    if kind is None:
        return base64.b64encode(value).decode() if field.type == FieldDescriptor.TYPE_BYTES else value
    if special := SAID.get(kind.name):
        return special(value)
    only = BARE.get(kind.name)
    return json_of(value) if only is None else json_of(value).get(only)


def _fields_of(descriptor: Descriptor, value: Any) -> MessageFields:
    if not isinstance(value, Mapping):
        return {}
    converters, fields = _converters(descriptor), {}
    for name, item in value.items():
        convert = converters.get(name)
        if convert is not None and item is not None and (converted := convert(item)) is not None:
            fields[name] = converted
    inlined = INLINED.get(descriptor.name)
    if inlined is not None:
        fields[inlined] = _fields_of(cast(Descriptor, descriptor.fields_by_name[inlined].message_type), value)
    return fields


@cache
def _converters(descriptor: Descriptor) -> Mapping[str, Convert]:
    return {field.name: _of_field(field) for field in descriptor.fields if field.name != INLINED.get(descriptor.name)}


def _of_field(field: FieldDescriptor) -> Convert:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return _map(_of_one(kind.fields_by_name["value"]))
    one = _of_one(field)
    return _list(one) if field.is_repeated else one


def _of_one(field: FieldDescriptor) -> Convert:
    kind = field.message_type
    if kind is not None:
        return SPECIAL.get(kind.name) or _message(kind)
    if limit := INTEGERS.get(field.type):
        return lambda value: value if type(value) is int and -limit <= value < limit else None
    return {
        FieldDescriptor.TYPE_STRING: _text,
        FieldDescriptor.TYPE_BOOL: lambda value: value if isinstance(value, bool) else None,
        FieldDescriptor.TYPE_BYTES: _base64,
    }[field.type]


def _message(kind: Descriptor) -> Convert:
    only = BARE.get(kind.name)
    return lambda value: _fields_of(kind, value if only is None else {only: value})


def _list(one: Convert) -> Convert:
    def convert(value: Any) -> Any:
        return (
            [item for entry in value if (item := one(entry)) is not None] if isinstance(value, list | tuple) else None
        )

    return convert


def _map(one: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return None
        return {str(name): item for name, entry in value.items() if (item := one(entry)) is not None}

    return convert


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode() if isinstance(value, bool | int | float) else None


def _base64(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value)
    except (TypeError, ValueError, binascii.Error):
        return None


def _time(value: Any) -> MessageFields | None:
    """Return an RFC 3339 time as Kubernetes' Time: seconds and nanoseconds since 1970."""
    parts = TIME.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return None
    try:
        seconds = int(datetime.fromisoformat(parts[1] + parts[3]).timestamp())
    except ValueError:
        return None
    return {"seconds": seconds, "nanos": int((parts[2] or "0").ljust(9, "0"))}


def _int_or_string(value: Any) -> MessageFields:
    return {"type": 0, "intVal": value} if type(value) is int else {"type": 1, "strVal": str(value)}


SPECIAL: dict[str, Convert] = {
    "Time": _time,
    "RawExtension": lambda value: {"raw": orjson.dumps(value)},
    "IntOrString": _int_or_string,
}


def _moment(value: Any) -> str | None:
    try:
        return rfc3339(value.seconds)
    except (OverflowError, ValueError, OSError):
        raise BadRequest("a time is out of bounds", remedy="send seconds since 1970") from None


def _raw(value: Any) -> Any:
    try:
        return orjson.loads(value.raw)
    except orjson.JSONDecodeError:
        raise BadRequest("a value is no JSON", remedy="send JSON") from None


SAID: dict[str, Convert] = {
    "Time": _moment,
    "RawExtension": _raw,
    "IntOrString": lambda value: value.strVal if value.type else value.intVal,
}

"""Built-in objects as the server stores them: known fields only, no zero values, scalars in canonical form."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gitopsd.sim.answers import Refusal, bad_request
from gitopsd.sim.quantity import canonical
from gitopsd.sim.schema import Field, Free, List, Scalar, Struct, Type
from gitopsd.sim.typed import fits

_ZERO = {"str": "", "bytes": "", "int": 0, "long": 0, "num": 0, "bool": False}
_INT32, _INT64 = 1 << 31, 1 << 63
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def decoded(value: Any, kind: Struct, path: str, unknown: list[str]) -> dict[str, Any]:
    """Return `value` as a struct of the server's would hold it.

    Args:
        value: parsed JSON.
        kind: its type.
        path: of `value` in the object, for messages.
        unknown: gets the path of every field that the type does not have.

    Raises:
        Refusal: 400, a value has the wrong type.
    """
    if not isinstance(value, dict):
        raise _wrong(path, value, "an object")
    out: dict[str, Any] = {}
    for name, item in value.items():
        declared = kind.fields.get(name)
        if declared is None and kind.extra is None:
            unknown.append(f"{path}.{name}".lstrip("."))
        elif declared is None and kind.extra is not None:
            out[name] = _value(item, kind.extra, f"{path}.{name}", unknown)
        elif declared is not None and item is not None:
            field_value = _value(item, declared.type, f"{path}.{name}", unknown)
            if _kept(field_value, declared):
                out[name] = field_value
    for name, declared in kind.fields.items():
        if name not in out and _is_always_there(declared):
            out[name] = zero(declared.type)
    return out


def _is_always_there(declared: Field) -> bool:
    bare = declared.required and not declared.pointer
    return declared.present or (bare and isinstance(declared.type, Scalar | List))


def zero(kind: Type) -> Any:
    """Return what a struct holds in a field that nobody set: empty structs within, null for required lists."""
    if not isinstance(kind, Struct):
        return _ZERO.get(kind.name) if isinstance(kind, Scalar) else None
    out = {}
    for name, declared in kind.fields.items():
        lists = isinstance(declared.type, List) or (isinstance(declared.type, Struct) and declared.type.extra)
        scalars = isinstance(declared.type, Scalar)
        if declared.present or (declared.required and (lists or scalars) and not declared.pointer):
            out[name] = zero(declared.type)
    return out


def _kept(value: Any, declared: Field) -> bool:
    if declared.required or declared.pointer or declared.present:
        return True
    match declared.type:
        case Scalar(name=name):
            return value not in ("", 0) or name in ("int-or-str", "quantity")
        case List():
            return bool(value)
        case Struct(extra=extra):
            return bool(value) or extra is None  # an empty map goes, a pointer to an empty struct stays
        case Free():
            return True


def _value(value: Any, kind: Type, path: str, unknown: list[str]) -> Any:
    if isinstance(kind, Scalar):
        return _scalar(value, kind, path)
    if value is None or isinstance(kind, Free):
        return value
    if isinstance(kind, Struct):
        return decoded(value, kind, path, unknown)
    if not isinstance(value, list):
        raise _wrong(path, value, "a list")
    empty: Any = {} if isinstance(kind.item, Struct) and not kind.item.extra else None  # what a null item becomes
    items = (empty if item is None else item for item in value)
    return [_value(item, kind.item, f"{path}[{number}]", unknown) for number, item in enumerate(items)]


def _scalar(value: Any, kind: Scalar, path: str) -> Any:
    if value is None:  # bytes stay null until they are stored: see strategy.stored
        return None if kind.name == "bytes" else _ZERO.get(kind.name)
    if not fits(value, kind):
        raise _wrong(path, value, kind.name)
    canonical_form = _CANONICAL.get(kind.name)
    return canonical_form(value, path) if canonical_form else value


def _int(value: Any, path: str) -> int:
    if isinstance(value, float):  # "2.0" too is no integer to the server's JSON decoder
        raise _wrong(path, value, "a whole number")
    if not -_INT32 <= value < _INT32:
        raise _wrong(path, value, "a number of 32 bits")
    return int(value)


def _long(value: Any, path: str) -> int:
    if isinstance(value, float) or not -_INT64 <= value < _INT64:
        raise _wrong(path, value, "a whole number of 64 bits")
    return int(value)


def _int_or_string(value: float | str, path: str) -> int | str:
    return value if isinstance(value, str) else _int(value, path)


def whole(value: Any, kind: Type | None) -> Any:
    """Return `value` as an apply takes numbers, and other writes do not.

    Those that are whole are integers, and what is too large for 32 bits begins again from below.
    """
    if isinstance(value, dict):
        return {name: whole(item, _type_of(kind, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item, kind.item if isinstance(kind, List) else None) for item in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and isinstance(kind, Scalar) and kind.name == "int":
        return (value + _INT32) % (2 * _INT32) - _INT32
    return value


def _type_of(kind: Type | None, name: str) -> Type | None:
    if not isinstance(kind, Struct):
        return None
    return kind.fields[name].type if name in kind.fields else kind.extra


def is_time(value: Any) -> bool:
    """Tell whether `value` is a time as the server reads it."""
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _quantity(value: float | str, path: str) -> str:
    text = canonical(f"{value}")
    if text is None:
        raise bad_request(f"{path.lstrip('.')}: quantities must match the regular expression, got {value!r}")
    return text


def _bytes(value: str, path: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)).decode()
    except (binascii.Error, ValueError):
        raise bad_request(f"{path.lstrip('.')}: illegal base64 data") from None


def _time(value: str, path: str) -> str:
    if not is_time(value):
        raise _wrong(path, value, "a time")
    moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06}Z" if moment.microsecond else f"{text}Z"


def _micro(value: str, path: str) -> str:
    if not _MICRO.fullmatch(value):
        raise _wrong(path, value, "a time with six digits of a second")
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _wrong(path: str, value: Any, expected: str) -> Refusal:
    type_name = {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")
    return bad_request(f"json: cannot unmarshal {type_name} into field {path.lstrip('.')}: expected {expected}")


_CANONICAL: dict[str, Callable[[Any, str], Any]] = {
    "int": _int,
    "long": _long,
    "int-or-str": _int_or_string,
    "quantity": _quantity,
    "bytes": _bytes,
    "time": _time,
    "micro": _micro,
}

"""What a YAML scalar means to kubectl, which reads YAML 1.1 with the integers of Go.

Found out by asking kubectl (tests/manifests/testdata/kubectl.json); where YAML's own documents say otherwise,
kubectl is right here, because the API server gets what kubectl makes of a file.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from decimal import Decimal
from functools import lru_cache
from typing import Any

FLOAT32 = struct.Struct("f")
INT64 = range(-(1 << 63), 1 << 63)
UINT64 = range(1 << 64)
SMALLEST_PLAIN, SMALLEST_SCIENTIFIC = -4, 6  # decimal exponents between which %g writes no exponent
SHORT = 40  # longer scalars are not remembered: they do not come again

WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
FIRST = frozenset("0123456789+-.") | {word[:1] for word in WORDS}  # what a scalar that is no string may begin with
POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")  # here "_" only parts digits
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
INTEGERS = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0(?:[oO][0-7]+|[0-7]*)"), 8),
    (re.compile(r"[-+]?[1-9][0-9]*"), 10),
)
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:.*)?")


TAGS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}


class NotAValue(ValueError):
    """A scalar has no meaning under its tag, or none in JSON."""


def plain(text: str) -> Any:
    """Return what an unquoted scalar means: null, bool, int, float (also .inf and .nan) or string."""
    if text[:1] not in FIRST:
        return text
    return _short(text) if len(text) <= SHORT else _meaning(text)


def _meaning(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if text.startswith(".") and not POINT_FIRST.fullmatch(text):
        return text
    number = text.replace("_", "")
    for pattern, base in INTEGERS:
        if pattern.fullmatch(number):
            value = int(number, base)
            if value in INT64 or value in UINT64:
                return value
    if FLOAT.fullmatch(number) and math.isfinite(real := float(number)):
        return real
    return text


_short = lru_cache(maxsize=1 << 14)(_meaning)


def tagged(tag: str, text: str) -> Any:
    """Return what a scalar means under an explicit tag; an unknown tag makes it a string.

    Raises:
        NotAValue: the text is nothing of that type.
    """
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "binary":
        return _binary(text)
    expected = TAGS.get(kind)
    value = plain(text)
    if expected is None:
        if kind == "timestamp" and not TIMESTAMP.fullmatch(text):
            raise NotAValue("what is tagged so is no timestamp")
        return text
    fits = isinstance(value, expected) and (kind == "bool" or not isinstance(value, bool))
    if not fits:
        raise NotAValue(f"what is tagged so is no {kind}")
    return float(value) if kind == "float" else value


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError as err:  # of base64, of ASCII, or of UTF-8
        raise NotAValue("the !!binary value is not base64 of UTF-8 text") from err


def json_value(value: Any) -> Any:
    """Return a scalar as the API server's JSON reader has it: 1.0 is 1, what int64 cannot hold is a float.

    Raises:
        NotAValue: infinity and not-a-number have no JSON.
    """
    if type(value) is float:
        return _json_float(value)
    if type(value) is int and value not in INT64:
        return float(value)
    return value


def _json_float(value: float) -> int | float:
    if not math.isfinite(value):
        raise NotAValue(f"{value} has no JSON form")
    if value.is_integer() and (whole := int(Decimal(repr(value)))) in INT64:
        return whole  # by its shortest digits, as Go prints it: int(1234567890123456789.0) would add digits
    return value


def json_key(value: Any) -> str:
    """Return the JSON key that a mapping's key becomes.

    Raises:
        NotAValue: null, and an integer that int64 cannot hold, are no keys.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value in INT64:
            return str(value)
        case float():
            return _float_key(value)
        case _:
            raise NotAValue(f"{'null' if value is None else value} cannot be a key")


def _float_key(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    try:
        (single,) = FLOAT32.unpack(FLOAT32.pack(value))
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    # Go's %g of a 32-bit float: the fewest digits that give the same bits.
    short = next(
        text for digits in range(9) if FLOAT32.pack(float(text := f"{single:.{digits}e}")) == FLOAT32.pack(single)
    )
    exponent = int(short.partition("e")[2])
    return f"{Decimal(short):f}" if SMALLEST_PLAIN <= exponent < SMALLEST_SCIENTIFIC else short

"""Kubernetes quantities: the canonical form in which the API server gives them back."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_KIBI = 1024
_NANO = -9
_NAME = {power: name for name, power in _DECIMAL.items()}


@lru_cache(4096)
def canonical(text: str) -> str | None:
    """Return `text` as the server writes it ("1000m" is "1", "0.5Gi" is "512Mi"); None when it is no quantity."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    sign, digits, exponent, suffix = match.groups()
    number = Decimal(digits)
    if sign == "-":
        number = -number
    if exponent:
        return _scientific(number, int(exponent[1:]))
    if suffix in _BINARY:
        return _binary(number * _KIBI ** _BINARY[suffix])
    return _decimal(number.scaleb(_DECIMAL[suffix or ""]))


def _binary(number: Decimal) -> str:
    if number != number.to_integral_value() or abs(number) < _KIBI:
        return _decimal(number)
    whole, power = int(number), 0
    while whole and whole % _KIBI == 0 and power < len(_BINARY):
        whole, power = whole // _KIBI, power + 1
    return f"{whole}{next((name for name, at in _BINARY.items() if at == power), '')}"


def _decimal(number: Decimal) -> str:
    whole, power = _shifted(number)
    return f"{whole}{_NAME[power]}"


def _scientific(number: Decimal, exponent: int) -> str:
    whole, power = _shifted(number.scaleb(exponent))
    return f"{whole}e{power}" if power else f"{whole}"


def _shifted(number: Decimal) -> tuple[int, int]:
    """Return a whole number and a power of ten, a multiple of three and nano at least, that make `number`."""
    if not number:
        return 0, 0
    power = 18
    while power > _NANO and number.scaleb(-power) != number.scaleb(-power).to_integral_value():
        power -= 3
    scaled = number.scaleb(-power)
    whole = int(scaled)
    if scaled != whole:  # finer than nano is rounded away from zero
        whole += 1 if scaled > 0 else -1
    return whole, power

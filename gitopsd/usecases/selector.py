"""Label selectors as kubectl and Argo CD write them: `team=shop,tier in (web, api),!legacy`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gitopsd.errors import BadRequest

Matches = Callable[[Mapping[str, str]], bool]

_KEY = r"(?P<key>[A-Za-z0-9][A-Za-z0-9._/-]*)"
_SET = re.compile(rf"{_KEY}\s+(?P<verb>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"{_KEY}\s*(?P<verb>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(rf"(?P<absent>!?)\s*{_KEY}")
_COMMA = re.compile(r",(?![^()]*\))")  # not between parentheses
LONGEST = 4096  # characters of a selector


def selector(text: str) -> Matches | None:
    """Return the test that `text` writes; None for the empty selector, which matches everything.

    Raises:
        BadRequest: `text` is not a selector.

    Source: Kubernetes, "Labels and Selectors", section "API".
    """
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise BadRequest(f"a selector of {len(text)} characters", remedy=f"write at most {LONGEST}")
    tests = [_test(part.strip()) for part in _COMMA.split(text)]
    return lambda labels: all(test(labels) for test in tests)


def _test(text: str) -> Matches:
    if match := _SET.fullmatch(text):
        key, values = match["key"], frozenset(value.strip() for value in match["values"].split(","))
        if match["verb"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _EQUAL.fullmatch(text):
        key, value = match["key"], match["value"]
        if match["verb"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _EXISTS.fullmatch(text):
        key, absent = match["key"], bool(match["absent"])
        return lambda labels: (key in labels) != absent
    raise BadRequest(f"{text!r} is not a label selector", remedy="write it as in 'team=shop,tier in (web,api),!legacy'")

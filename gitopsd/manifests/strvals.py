"""Helm's `--set`: values written as `a.b[0].c=text` into a tree of values.

Source: Helm 4, pkg/strvals, for the grammar and its limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

LARGEST_INDEX = 65536
DEEPEST = 30  # names in one path, and indexes that follow another one


class NotSettable(ValueError):
    """A text does not say what to set; the message does not show values."""


Convert = Callable[[str], Any]
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "0": 0}
WHOLE = re.compile(r"[1-9][0-9]*|[+-][0-9]+", re.ASCII)


def typed(text: str) -> Any:
    """Return what a text stands for: a boolean, null, a whole number of 64 bits, or itself."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    return text


def set_into(values: dict[str, Any], text: str, convert: Convert = typed) -> None:
    """Change `values`, which are the caller's own, by what `text` says; `convert` makes a value of its text.

    Raises:
        NotSettable: `text` does not say what to set.
    """
    reader = _StrvalsReader(text, convert)
    while not reader.ended:
        reader.key(values, 0)


class _StrvalsReader:
    def __init__(self, text: str, convert: Convert) -> None:
        self._text = text
        self._convert = convert
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._text)

    def key(self, into: dict[str, Any], depth: int) -> bool:
        """Read one path below `into`, and its value; tell whether the text ended where something was to come."""
        if self.ended:
            return True
        name, last = self._until("=[,.")
        match last:
            case "=":
                nothing = self.ended
                _set(into, name, self._value())
                return nothing
            case "[":
                items = into.get(name) if name in into else []
                if not isinstance(items, list):
                    raise NotSettable(f"{name!r} is no list")
                changed, ended = self._item(items, self._index(), depth)
                _set(into, name, changed)
                return ended
            case ".":
                return self._nested(into, name, depth)
            case _:
                raise NotSettable(f"{name!r} has no value")

    def _nested(self, into: dict[str, Any], name: str, depth: int) -> bool:
        if depth >= DEEPEST:
            raise NotSettable(f"more than {DEEPEST} names in one path")
        inner = into.get(name) if name in into else {}
        if not isinstance(inner, dict):
            raise NotSettable(f"{name!r} is no mapping")
        ended = self.key(inner, depth + 1)
        if not inner and not ended:
            raise NotSettable(f"{name!r} has no value")
        if inner:
            _set(into, name, inner)
        return ended

    def _item(self, items: list[Any], index: int, depth: int) -> tuple[list[Any], bool]:
        name, last = self._until("[.=")
        if name:
            raise NotSettable(f"{name!r} stands behind the index of a list")
        there = items[index] if index < len(items) else None
        match last:
            case "=":
                return _with(items, index, self._value()), False
            case "[":
                if there is not None and not isinstance(there, list):
                    raise NotSettable("an index is given for what is no list")
                if depth >= DEEPEST:
                    raise NotSettable(f"more than {DEEPEST} indexes and names in one path")
                changed, ended = self._item(there or [], self._index(), depth + 1)
                return (items if ended else _with(items, index, changed)), ended
            case ".":
                inner = there if isinstance(there, dict) else {}
                ended = self.key(inner, depth)
                return (items if ended else _with(items, index, inner)), ended  # Helm forgets what ended early
            case _:
                return items, True

    def _index(self) -> int:
        text, last = self._until("]")
        if last != "]" or not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
            raise NotSettable(f"{text!r} is no index")
        index = int(text)
        if not 0 <= index <= LARGEST_INDEX:
            raise NotSettable(f"the index {text} is not from 0 to {LARGEST_INDEX}")
        return index

    def _value(self) -> Any:
        if self._text.startswith("{", self._at):
            return self._list()
        if self.ended:
            return ""
        return self._convert(self._until(",")[0])

    def _list(self) -> list[Any]:
        self._at += 1
        items = []
        while True:
            text, last = self._until(",}")
            if not last:
                raise NotSettable("a list does not end with '}'")
            items.append(self._convert(text))
            if last == "}":
                self._at += self._text.startswith(",", self._at)
                return items

    def _until(self, stops: str) -> tuple[str, str]:
        """Return the text up to one of `stops`, and that one, "" at the end; a backslash takes the next character."""
        chars: list[str] = []
        while not self.ended:
            char = self._text[self._at]
            self._at += 1
            if char in stops:
                return "".join(chars), char
            if char == "\\":
                char = self._text[self._at : self._at + 1]
                self._at += 1
            chars.append(char)
        return "".join(chars), ""


def _set(into: dict[str, Any], name: str, value: Any) -> None:
    if name:
        into[name] = value


def _with(items: list[Any], index: int, value: Any) -> list[Any]:
    longer = [*items, *([None] * (index + 1 - len(items)))]
    longer[index] = value
    return longer

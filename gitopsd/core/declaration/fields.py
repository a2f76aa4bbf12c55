"""A mapping of a declaration, read field by field: types are checked, and what nobody asked for is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import InvalidDeclaration

T = TypeVar("T")

MOST_WARNINGS = 50  # of one declaration; the rest is counted
SHOWN = 80  # characters of a name or value in a message

KINDS = {bool: "true or false", int: "a whole number", str: "a string", dict: "a mapping", list: "a list"}
REMEDIES = {
    bool: "write true or false, without quotes",
    int: "write a whole number, without quotes",
    str: "put the value in quotes",
    dict: "write `field: value` lines below it, indented",
    list: "write its items as lines that begin with '-'",
}


class Warnings:
    """What is wrong with a declaration and yet no reason to refuse it, in the order found."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._more = 0

    def add(self, warning: str) -> None:
        if len(self._said) < MOST_WARNINGS:
            self._said.append(warning)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        return (*self._said, f"and {self._more} more warnings") if self._more else tuple(self._said)


class Fields:
    """Reads one mapping. `path` is where it stands, as in `.spec.destination`; "" is the document itself."""

    __slots__ = ("_known", "_value", "path", "warnings")

    def __init__(self, value: Mapping[str, Any], path: str, warnings: Warnings) -> None:
        self._value = value
        self._known: set[str] = set()
        self.path = path
        self.warnings = warnings

    def has(self, name: str) -> bool:
        """Tell whether the field is there and not null."""
        return self._value.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string; absent, null and "" are `default`."""
        return self._get(name, str) or default

    def flag(self, name: str, *, default: bool = False) -> bool:
        flag = self._get(name, bool)
        return default if flag is None else flag

    def whole(self, name: str, default: int) -> int:
        number = self._get(name, int)
        return default if number is None else number

    def mapping(self, name: str) -> Fields | None:
        """Return the mapping below `name`; None where it is absent or null."""
        mapping: Mapping[str, Any] | None = self._get(name, dict)
        return None if mapping is None else Fields(mapping, f"{self.path}.{name}", self.warnings)

    def raw(self, name: str) -> Mapping[str, Any]:
        """Return the mapping below `name` unread, for whoever understands it; empty where there is none."""
        return self._get(name, dict) or {}

    def mappings(self, name: str) -> tuple[Fields, ...] | None:
        """Return the list of mappings below `name`; None where it is absent or null."""
        items = self._get(name, list)
        if items is None:
            return None
        return tuple(Fields(_typed(item, dict, path), path, self.warnings) for path, item in self._items(name, items))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the list of strings below `name`; empty where it is absent or null."""
        items = self._get(name, list) or []
        return tuple(_typed(item, str, path) for path, item in self._items(name, items))

    def text_map(self, name: str) -> dict[str, str]:
        """Return the mapping of strings below `name`; empty where it is absent or null."""
        texts: Mapping[str, Any] = self._get(name, dict) or {}
        return {str(key): _typed(item, str, f"{self.path}.{name}[{_cut(str(key))}]") for key, item in texts.items()}

    def ignore(self, *names: str) -> None:
        """Take fields for known that need no reading."""
        self._known.update(names)

    def not_yet(self, effect: str, *names: str) -> None:
        """Report each of `names` that is there as understood, but without effect yet."""
        self._known.update(names)
        for name in names:
            if self._value.get(name):
                self.warnings.add(f"{self.path}.{name} is not supported yet: {effect}")

    def refuse(self, name: str, what: str, remedy: str) -> InvalidDeclaration:
        """Return the error that says what is wrong with the field `name` ("" is this mapping)."""
        return InvalidDeclaration(f"{self.path}.{name} {what}" if name else f"{self.path} {what}", remedy=remedy)

    def value(self) -> Mapping[str, Any]:
        """Return the whole mapping as declared."""
        return self._value

    def close(self) -> None:
        """Report every field that was never asked for."""
        for name in self._value:
            if name not in self._known:
                field = _cut(str(name))
                hint = did_you_mean(str(name), self._known)
                self.warnings.add(f"{self.path}.{field} is unknown and has no effect" + (f"; {hint}" if hint else ""))

    def _get(self, name: str, kind: type[T]) -> T | None:
        self._known.add(name)
        value = self._value.get(name)
        return None if value is None else _typed(value, kind, f"{self.path}.{name}")

    def _items(self, name: str, items: list[Any]) -> Iterator[tuple[str, Any]]:
        for index, item in enumerate(items):
            yield f"{self.path}.{name}[{index}]", item


def _typed(value: Any, kind: type[T], path: str) -> T:
    # A bool is an int to Python, and never to Kubernetes.
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    # The value itself is not shown: a misplaced one may be anybody's secret.
    raise InvalidDeclaration(f"{path} is {_name(value)}, not {KINDS[kind]}", remedy=REMEDIES[kind])


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, float):
        return "a number with a fraction"
    return KINDS.get(type(value), "empty" if value is None else f"of type {type(value).__name__}")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

"""What a rule about a custom resource asks of it: a value, a condition, a comparison of two numbers, an item of a list.

A fact never raises: where an object has another shape than its kind gives it, the fact does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Path = tuple[str, ...]
Scalar = str | int | bool


class Fact(Protocol):
    """Something that holds of an object, or does not."""

    def holds(self, value: Any, generation: Any) -> bool:
        """Tell whether it holds of `value`; `generation` is that of the object's spec."""

    def words(self, value: Any) -> str:
        """Return what the object itself says of it; "" where it says nothing."""


@dataclass(frozen=True, slots=True)
class HasValue:
    """The field is one of these values."""

    path: Path
    among: tuple[Scalar, ...]

    def holds(self, value: Any, _generation: Any) -> bool:
        current = at(value, self.path)
        return any(type(current) is type(option) and current == option for option in self.among)

    def words(self, value: Any) -> str:
        return _named(self.path, at(value, self.path))


@dataclass(frozen=True, slots=True)
class IsGiven:
    """The field is there, and is neither null nor empty."""

    path: Path

    def holds(self, value: Any, _generation: Any) -> bool:
        return at(value, self.path) not in (None, "", [], {})

    def words(self, value: Any) -> str:
        return _named(self.path, at(value, self.path))


@dataclass(frozen=True, slots=True)
class IsSame:
    """Two fields are the same, though one may be a number and the other its text."""

    path: Path
    other: Path

    def holds(self, value: Any, _generation: Any) -> bool:
        return _text(at(value, self.path)) == _text(at(value, self.other))

    def words(self, _value: Any) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class IsLess:
    """A number is less than another one; a field that is absent counts as `default`."""

    path: Path
    than: Path | int
    default: int = 0  # of `than`
    item_path: Path = ()  # of every item at `than`, whose sum is meant

    def holds(self, value: Any, _generation: Any) -> bool:
        return _number(at(value, self.path), 0) < self._limit(value)

    def words(self, value: Any) -> str:
        return f"{self.path[-1]} is {_number(at(value, self.path), 0)} of {self._limit(value)}"

    def _limit(self, value: Any) -> int:
        if isinstance(self.than, int):
            return self.than
        limit = at(value, self.than)
        if self.item_path:
            return sum(_number(at(item, self.item_path), self.default) for item in _items(limit))
        return _number(limit, self.default)


@dataclass(frozen=True, slots=True)
class HasCondition:
    """A condition has one of these statuses, reasons and severities; one that is of an older spec says nothing."""

    kind: str  # its `type`
    statuses: tuple[str, ...] = ("True",)
    reasons: tuple[str, ...] = ()  # any, where empty
    severities: tuple[str, ...] = ()  # any, where empty
    path: Path = ("status", "conditions")

    def holds(self, value: Any, generation: Any) -> bool:
        return self._found(value, generation) is not None

    def words(self, value: Any) -> str:
        return words_of(self._found(value, None) or {})

    def _found(self, value: Any, generation: Any) -> Mapping[str, Any] | None:
        conditions = (condition for condition in _conditions(value, self.path) if condition.get("type") == self.kind)
        return next((condition for condition in conditions if self._is_meant(condition, generation)), None)

    def _is_meant(self, condition: Mapping[str, Any], generation: Any) -> bool:
        if is_behind(condition.get("observedGeneration"), generation) or status_of(condition) not in self.statuses:
            return False
        choices = (("reason", self.reasons), ("severity", self.severities))
        return all(not any_of or condition.get(name) in any_of for name, any_of in choices)


@dataclass(frozen=True, slots=True)
class HasStaleCondition:
    """A condition in the list at `path` is of an older spec."""

    path: Path

    def holds(self, value: Any, generation: Any) -> bool:
        return any(
            is_behind(condition.get("observedGeneration"), generation) for condition in _conditions(value, self.path)
        )

    def words(self, _value: Any) -> str:
        return "the latest spec has not been observed yet"


@dataclass(frozen=True, slots=True)
class HasDifferentItems:
    """The items of a list do not all have the same value at `item_path`."""

    path: Path
    item_path: Path

    def holds(self, value: Any, _generation: Any) -> bool:
        return len({_text(at(item, self.item_path)) for item in _items(at(value, self.path))}) > 1

    def words(self, _value: Any) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class HasDifferentCount:
    """Two lists have not the same number of items."""

    path: Path
    other: Path

    def holds(self, value: Any, _generation: Any) -> bool:
        here, there = at(value, self.path), at(value, self.other)
        return isinstance(here, list) and isinstance(there, list) and len(here) != len(there)

    def words(self, _value: Any) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class HasItem:
    """All these facts hold of an item of a list, or of a value of a mapping."""

    path: Path
    facts: tuple[Fact, ...]

    def holds(self, value: Any, generation: Any) -> bool:
        return self._first(value, generation) is not None

    def words(self, value: Any) -> str:
        item = self._first(value, None)
        own = words_of(item) if isinstance(item, dict) else ""
        return own or next(filter(None, (fact.words(item) for fact in self.facts)), "")

    def _first(self, value: Any, generation: Any) -> Any:
        of_all = (item for item in _items(at(value, self.path)) if item is not None)
        return next((item for item in of_all if all(fact.holds(item, generation) for fact in self.facts)), None)


@dataclass(frozen=True, slots=True)
class IsNot:
    """Another fact does not hold."""

    fact: Fact

    def holds(self, value: Any, generation: Any) -> bool:
        return not self.fact.holds(value, generation)

    def words(self, value: Any) -> str:
        return self.fact.words(value)


def at(value: Any, path: Path) -> Any:
    """Return the value at `path`; None where there is none."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def status_of(condition: Mapping[str, Any]) -> Any:
    """Return a condition's status as text, which some controllers write as a boolean."""
    status = condition.get("status")
    return str(status) if isinstance(status, bool) else status


def is_behind(observed: Any, generation: Any) -> bool:
    """Tell whether `observed` is an older generation; some controllers write theirs as text."""
    if isinstance(observed, str) and observed.isdecimal() and len(observed) < len(str(1 << 63)):
        observed = int(observed)
    return isinstance(observed, int) and isinstance(generation, int) and observed < generation


def words_of(condition: Mapping[str, Any]) -> str:
    """Return a condition's message, or else its reason."""
    texts = (condition.get(name) for name in ("message", "reason"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def _conditions(value: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    listed = at(value, path)
    return (condition for condition in (listed if isinstance(listed, list) else ()) if isinstance(condition, dict))


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _number(value: Any, default: int) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < len(str(1 << 63)):
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else default


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _named(path: Path, value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return f"{path[-1]} is {value}" if path else str(value)

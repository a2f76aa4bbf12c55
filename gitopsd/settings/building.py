"""A tree of settings → the frozen dataclasses of `schema`, with one problem for every value that does not fit."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gitopsd.core.text.suggest import did_you_mean
from gitopsd.settings.document import SettingsNode
from gitopsd.settings.limits import CHOICES, range_of
from gitopsd.settings.problem import Problems

T = TypeVar("T")
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", Path: "a path"}


class _ValueUnfit(Exception):
    """A value does not fit; the problem is already noted."""


@dataclass(frozen=True, slots=True)
class Builder:
    base: Path  # relative paths begin here: the directory of the settings file
    credentials: Path | None  # $CREDENTIALS_DIRECTORY, where a relative file is looked for first
    problems: Problems

    def build(self, cls: type[T], node: SettingsNode, name: str = "") -> T | None:
        """Return `node` as a `cls`; values that do not fit are noted, and read as their default.

        None where a setting without a default is missing.
        """
        if not isinstance(node.value, dict):
            self._no(node, name, "is not a mapping", "write `name: value` lines below it, indented")
            return None
        hints = get_type_hints(cls)
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        values: dict[str, Any] = {}
        rest = next((field.name for field in fields.values() if field.metadata.get("rest")), None)
        if rest is None:
            self._unknown(node.value, fields, name)
        else:
            del fields[rest]
            values[rest] = self._rest(node, fields, name)
        whole = True
        for field in fields.values():
            path = f"{name}.{field.name}" if name else field.name
            inner = node.value.get(field.name)
            if inner is None or inner.value is None:
                if _required(field):
                    whole = False
                    self._no(node, path, "is missing", "write it")
                continue
            self.problems.places[path] = inner.where
            try:
                values[field.name] = self._value(hints[field.name], inner, path)
            except _ValueUnfit:
                whole = whole and not _required(field)
        return cls(**values) if whole else None

    def _rest(self, node: SettingsNode, fields: Mapping[str, Field[Any]], name: str) -> dict[str, str]:
        """Return what stands under names that are no fields, as text; a list of words is one text, as in YAML."""
        texts: dict[str, str] = {}
        for key, inner in node.value.items():
            if key in fields or inner.value is None:
                continue
            words = [item.value for item in inner.value] if isinstance(inner.value, list) else [inner.value]
            if not all(isinstance(word, str) for word in words):
                self._no(inner, f"{name}.{key}"[:100], "is not a string", "put it in quotes")
                continue
            texts[key] = f"[{', '.join(words)}]" if isinstance(inner.value, list) else words[0]
        return texts

    def _unknown(self, nodes: Mapping[str, SettingsNode], fields: Mapping[str, Field[Any]], name: str) -> None:
        for key in nodes:
            # See `lay_over`: a variable that names nothing at the top is somebody else's.
            if key not in fields and (name or not nodes[key].from_environment or isinstance(nodes[key].value, dict)):
                hint = did_you_mean(key, fields)
                path = f"{name}.{key}" if name else key
                self._no(nodes[key], path[:100], "is no setting", hint or f"known here: {', '.join(fields)}")

    def _value(self, hint: Any, node: SettingsNode, path: str) -> Any:
        hint = _without_none(hint)
        if get_origin(hint) is tuple:
            return self._list(get_args(hint)[0], node, path)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self._section(hint, node, path)
        return self._scalar(hint, node, path)

    def _list(self, hint: Any, node: SettingsNode, path: str) -> tuple[Any, ...]:
        if not isinstance(node.value, list):
            remedy = "write it in the file" if node.from_environment else "write its items as lines that begin with '-'"
            raise self._unfit(node, path, "is not a list", remedy)
        items = []
        for index, item in enumerate(node.value):
            self.problems.places[f"{path}[{index}]"] = item.where
            try:
                items.append(self._value(hint, item, f"{path}[{index}]"))
            except _ValueUnfit:
                continue  # noted; the others are looked at all the same
        return tuple(items)

    def _section(self, cls: type[Any], node: SettingsNode, path: str) -> Any:
        built = self.build(cls, node, path)
        if built is None:
            raise _ValueUnfit
        return built

    def _scalar(self, kind: type[Any], node: SettingsNode, path: str) -> Any:
        value: Any = node.text if node.from_environment and kind in (str, Path) else node.value
        if not _fits(value, kind):
            remedy = "put it in quotes" if kind is str else f"write {NAMES[kind]}"
            raise self._unfit(node, path, f"is not {NAMES[kind]}", remedy)
        if kind is Path:
            return self._path(value)
        if kind in (int, float):
            low, high = range_of(path)
            if not low <= value <= high:
                raise self._unfit(node, path, f"is {value}", f"write {low:g} to {high:g}")
        choices = CHOICES.get(path)
        if choices and value not in choices:
            hint = did_you_mean(value, choices)
            raise self._unfit(node, path, f"is {value[:40]!r}", hint or f"write one of {', '.join(choices)}")
        return float(value) if kind is float else value

    def _path(self, text: str) -> Path:
        """Return a path; what systemd gave under a relative one's name goes before a file beside the settings."""
        credential = self.credentials / text if self.credentials else None
        if credential and not Path(text).is_absolute() and credential.is_file():
            return credential
        return self.base / Path(text).expanduser()

    def _unfit(self, node: SettingsNode, path: str, what: str, remedy: str) -> _ValueUnfit:
        self._no(node, path, what, remedy)
        return _ValueUnfit()

    def _no(self, node: SettingsNode, path: str, what: str, remedy: str) -> None:
        self.problems.add(node.where, f"{path} {what}", remedy)


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (inner for inner in get_args(hint) if inner is not type(None))
    return hint


def _fits(value: Any, kind: type[Any]) -> bool:
    fits: Mapping[Any, Callable[[], bool]] = {
        bool: lambda: isinstance(value, bool),
        int: lambda: isinstance(value, int) and not isinstance(value, bool),
        float: lambda: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
        str: lambda: isinstance(value, str),
        Path: lambda: isinstance(value, str) and value != "" and "\0" not in value,
    }
    return fits[kind]()

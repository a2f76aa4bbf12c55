"""ignoreDifferences: which paths of an object do not count when predicted and live are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.core.objects.fields import WrongShape, items_at, mapping_at
from gitopsd.core.objects.hashes import digest
from gitopsd.core.objects.managed_fields import key_names
from gitopsd.core.text.globs import matches
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.manifest import Manifest, ResourceKey

SHOWN = 200  # characters of an expression in a warning
DESTRUCTURING = re.compile(r"\bas\s*[\[{]")
TEXT = re.compile(r'"(?:\\.|[^"\\])*"|#[^\n]*')  # of jq: what is no code


@dataclass(frozen=True, slots=True)
class Rules:
    """What is ignored of one object."""

    pointers: tuple[tuple[str, ...], ...] = ()  # JSON pointers, taken apart
    managers: tuple[str, ...] = ()  # field managers whose fields do not count
    expressions: tuple[str, ...] = ()  # jq, which core does not speak: their paths come as pointers (`ExpressionPaths`)

    @property
    def hash(self) -> str:
        """The same for equal rules; "" where nothing is ignored."""
        kinds = [self.pointers, self.managers, *([self.expressions] if self.expressions else [])]
        return digest(kinds) if self else ""

    def __bool__(self) -> bool:
        return bool(self.pointers or self.managers or self.expressions)


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class ExpressionPaths:
    """What the jq expressions of an object's rules name: not the same on both sides, as they may go by values."""

    predicted: tuple[tuple[str, ...], ...] = ()
    live: tuple[tuple[str, ...], ...] = ()


NO_EXPRESSION_PATHS = ExpressionPaths()


def rules_for(declared: Iterable[IgnoreDifference], key: ResourceKey) -> Rules:
    """Return what the application's rules ignore of the object `key`; all parts may be globs, "" is any."""
    mine = [rule for rule in declared if _concerns(rule, key)]
    pointers = {pointer for rule in mine for text in rule.json_pointers if (pointer := _parsed(text)) is not None}
    managers = {manager for rule in mine for manager in rule.managed_fields_managers}
    expressions = {text for rule in mine for text in rule.jq_path_expressions}
    return Rules(tuple(sorted(pointers)), tuple(sorted(managers)), tuple(sorted(expressions)))


def rules_warnings(declared: Iterable[IgnoreDifference]) -> tuple[str, ...]:
    """Return one warning for each rule, or part of one, that has no effect."""
    warnings = []
    for rule in declared:
        where = f"ignoreDifferences of {rule.group}/{rule.kind}"
        warnings += [
            f"{where}: {text!r} is not a JSON pointer; write it as '/spec/replicas'"
            for text in rule.json_pointers
            if _parsed(text) is None
        ]
        warnings += [
            f"{where}: {text[:SHOWN]!r} takes a value apart by `as {{…}}` or `as […]`, which jq allows in no path: "
            "it may ignore nothing here, though Argo CD's jq has it; write `as $x`, and $x.name where it is used"
            for text in rule.jq_path_expressions
            if DESTRUCTURING.search(TEXT.sub("", text))
        ]
    return tuple(warnings)


def without_ignored(
    manifest: Manifest, rules: Rules, live: Manifest, named: Iterable[tuple[str, ...]] = ()
) -> Manifest:
    """Return a copy of `manifest` without what `rules` ignore.

    Args:
        manifest: predicted or live.
        rules: of this object.
        live: whose managedFields say what the managers of `rules` own; the same for both sides.
        named: what the jq expressions of `rules` name in `manifest`.
    """
    result: Any = manifest
    # The last item of a list goes first, so that the places of the others stay what the pointers say.
    for pointer in sorted({*rules.pointers, *named}, key=by_place, reverse=True):
        result = _without(result, pointer)
    for fields in _fields_of(live, rules.managers):
        result = _without_fields(result, fields)
    return result if isinstance(result, dict) else {}


def _concerns(rule: IgnoreDifference, key: ResourceKey) -> bool:
    return (
        matches(rule.group, key.group)
        and matches(rule.kind, key.kind)
        and (not rule.name or matches(rule.name, key.name))
        and (not rule.namespace or matches(rule.namespace, key.namespace))
    )


def _parsed(pointer: str) -> tuple[str, ...] | None:
    """Return the parts of a JSON pointer (RFC 6901); None for what is not one, or is the whole document."""
    if not pointer.startswith("/"):
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def by_place(pointer: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return the sort key by which the tenth item of a list comes after the second."""
    return [(int(part) if part.isdecimal() and len(part) < len(str(1 << 63)) else -1, part) for part in pointer]


def _without(value: Any, pointer: Sequence[str]) -> Any:
    head, rest = pointer[0], pointer[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {name: item for name, item in value.items() if name != head}
        return {**value, head: _without(value[head], rest)}
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        index = int(head)
        changed = [_without(value[index], rest)] if rest else []
        return [*value[:index], *changed, *value[index + 1 :]]
    return value


def _fields_of(live: Manifest, managers: tuple[str, ...]) -> list[Mapping[str, Any]]:
    if not managers:
        return []
    try:
        entries = items_at(live, "metadata", "managedFields")
        return [mapping_at(entry, "fieldsV1") for entry in entries if entry.get("manager") in managers]
    except WrongShape:
        return []


def _without_fields(value: Any, fields: Mapping[str, Any]) -> Any:
    """Return `value` without what `fields` (fieldsV1) names; what is empty then, and was named itself, goes too."""
    if isinstance(value, dict):
        fields_left = [(name, _left(item, fields.get(f"f:{name}"))) for name, item in value.items()]
        return {name: item for name, item in fields_left if item is not GONE}
    if isinstance(value, list):
        remaining = [_left(item, _named(fields, index, item)) for index, item in enumerate(value)]
        return [item for item in remaining if item is not GONE]
    return value


GONE = object()


def _left(value: Any, fields: Any) -> Any:
    if not isinstance(fields, dict):
        return value
    if not any(name != "." for name in fields):
        return GONE
    remaining = _without_fields(value, fields)
    return GONE if not remaining and remaining != value and "." in fields else remaining


def _named(fields: Mapping[str, Any], index: int, item: Any) -> Any:
    return next((below for name, below in fields.items() if key_names(name, index, item)), None)

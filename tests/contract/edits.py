"""Edits of what one manager owns of a live object, each as a JSON patch that another manager could send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Patch = list[dict[str, Any]]
ENTRIES: tuple[Any, ...] = ("x", {}, 1)  # what an atomic map may be given


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing another manager may do; the patches are tried until the server takes one."""

    what: str  # change | remove | reorder | append | add
    path: str
    patches: tuple[Patch, ...]


def edits_of_owned(fields: Mapping[str, Any], live: Any, path: str = "") -> Iterator[Edit]:
    """Give every edit of a leaf, an atomic value or a list item that `fields` (fieldsV1) owns of `live`."""
    own = [key for key in fields if key != "."]
    if not own:
        yield from _edits_of_leaf(live, path)
    elif isinstance(live, list):
        places = [(key, place) for place, item in enumerate(live) for key in own if _names(key, item)]
        for key, place in places:
            yield Edit("remove", f"{path}/{place}", ([{"op": "remove", "path": f"{path}/{place}"}],))
            if fields[key]:
                yield from edits_of_owned(fields[key], live[place], f"{path}/{place}")
        if len(places) > 1:
            (_, first), (_, second) = places[0], places[1]
            swapped = list(live)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            yield Edit("reorder", path, (_replaced(path, swapped),))
    else:
        for key in own:
            name = key[2:]
            if name in live:
                yield from edits_of_owned(fields[key], live[name], f"{path}/{_escaped(name)}")


def edits_beside_owned(fields: Mapping[str, Any], live: Any, path: str = "") -> Iterator[Edit]:
    """Give edits beside what `fields` owns: an item more in a list of keys or a set, a key more in a map of texts."""
    own = [key for key in fields if key != "."]
    if isinstance(live, list) and own:
        yield from (_added(f"{path}/{place}", item) for item in _another(own[0], live) for place in ("-", "0"))
        for place, item in enumerate(live):
            for key in (key for key in own if _names(key, item)):
                yield from edits_beside_owned(fields[key], item, f"{path}/{place}")
    elif isinstance(live, dict):
        if own and path.endswith(("labels", "annotations", "data", "limits")) and not any(fields[key] for key in own):
            yield from (_added(f"{path}/more", value) for value in ("x", "eA==", "1"))
        for key in (key for key in own if key[2:] in live):
            yield from edits_beside_owned(fields[key], live[key[2:]], f"{path}/{_escaped(key[2:])}")


def _edits_of_leaf(value: Any, path: str) -> Iterator[Edit]:
    yield Edit("change", path, tuple(_replaced(path, other) for other in _others(value)))
    yield Edit("remove", path, ([{"op": "remove", "path": path}],))
    if isinstance(value, list) and value:
        yield Edit("append", path, tuple(_replaced(path, [*value, other]) for other in _others(value[-1])))
        if len(value) > 1:
            yield Edit("reorder", path, (_replaced(path, [value[1], value[0], *value[2:]]),))
    if isinstance(value, dict):
        yield Edit("append", path, tuple(_replaced(path, {**value, "more": other}) for other in ENTRIES))
        for name, inner in value.items():
            for other in _others(inner):
                yield Edit("change", f"{path}/{name}", (_replaced(path, {**value, name: other}),))


def _others(value: Any) -> list[Any]:
    """Return values of the type of `value` that differ from it, the likelier ones first."""
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value - 1, value + 0.5]
        case str():
            words = ["x", "2", "eHh4", "200m", "2Gi", "UDP", "Exact", "Always", "ClusterIP", "ReadWriteMany", "Egress"]
            return [f"{value}x", f"x{value}", *(word for word in words if word != value)]
        case list():
            return [[*value, *_others(value[-1])[:1]], value[:-1]] if value else [["x"], [{}]]
        case dict():
            inner = [{**value, name: other} for name in value for other in _others(value[name])[:3]]
            return (
                [*inner, {**value, "more": "x"}, {}] if value else [{"matchLabels": {"x": "y"}}, {"medium": "Memory"}]
            )
        case _:
            return ["x", 1]


def _another(key: str, live: list[Any]) -> Iterator[Any]:
    """Give an item like those of `live`, with another identity, where there can be one."""
    if key.startswith("v:"):
        yield "another"
    elif key.startswith("k:"):
        item = dict(live[0])
        for name, value in json.loads(key[2:]).items():
            if name != "protocol":
                item[name] = value + 1000 if isinstance(value, int) else f"{value}x"
        yield {**item, **({"name": "another"} if "name" in item else {})}


def _names(key: str, item: Any) -> bool:
    wanted = json.loads(key[2:])
    if key.startswith("k:"):
        return isinstance(item, dict) and all(item.get(name) == value for name, value in wanted.items())
    return key.startswith("v:") and bool(item == wanted)


def _added(path: str, value: Any) -> Edit:
    return Edit("add", path, ([{"op": "add", "path": path, "value": value}],))


def _replaced(path: str, value: Any) -> Patch:
    return [{"op": "replace", "path": path, "value": value}]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

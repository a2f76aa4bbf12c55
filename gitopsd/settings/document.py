"""The settings' text → a tree in which every value knows its line; environment variables laid over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gitopsd.settings.problem import Problems, SettingsPlace

PREFIX = "GITOPSD_"
# What PyYAML raises for a tag that its text does not fit, as in `!!int x`: beside its own errors, whatever Python does.
NO_VALUE = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
DEEPEST = 20  # nesting of the file; the settings need 4


@dataclass(slots=True)
class SettingsNode:
    """A mapping of names to nodes, a list of nodes, or a scalar, as YAML reads it and as it is written."""

    value: Any  # dict[str, Node] | list[Node] | scalar
    place: SettingsPlace
    text: str = ""  # of a scalar
    from_environment: bool = False


def document(text: str, problems: Problems) -> SettingsNode | None:
    """Return the tree of a YAML text; None where it is no YAML, or no mapping."""
    file = problems.place("").file
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 0
        problems.add(SettingsPlace(file, line), f"is not YAML: {err.problem}", "mend the line")
        return None
    except (yaml.YAMLError, ValueError) as err:
        problems.add(SettingsPlace(file), f"is not YAML: {str(err).splitlines()[0]}", "write it as YAML in UTF-8")
        return None
    except RecursionError:
        problems.add(SettingsPlace(file), "is nested too deep", f"no setting is deeper than {DEEPEST} levels")
        return None
    if root is None:
        return SettingsNode({}, SettingsPlace(file, 1))
    found = _node(root, file, problems, DEEPEST)
    if not isinstance(found.value, dict):
        problems.add(found.place, "the settings are not a mapping", "write `name: value` lines")
        return None
    return found


def lay_over(root: SettingsNode, environ: Mapping[str, str]) -> None:
    """Put `GITOPSD_API__PORT=…` over `api.port`, and so on for every scalar.

    A variable without `__` counts only where a setting of that name stands at the top, which `loading` decides:
    Kubernetes puts GITOPSD_PORT and the like into every pod beside a Service named gitopsd.
    """
    for variable in sorted(environ):
        path = variable.removeprefix(PREFIX).lower().split("__")
        if not variable.startswith(PREFIX) or not all(path):
            continue
        place = root
        for name in path[:-1]:
            inner = place.value.get(name)
            if inner is None or not isinstance(inner.value, dict):
                inner = SettingsNode({}, SettingsPlace(f"environment variable {variable}"), from_environment=True)
                place.value[name] = inner
            place = inner
        place.value[path[-1]] = _scalar_of(variable, environ[variable])


def _scalar_of(variable: str, text: str) -> SettingsNode:
    try:
        value = yaml.safe_load(text)
    except NO_VALUE:
        value = text
    if isinstance(value, dict | list):
        value = text
    return SettingsNode(value, SettingsPlace(f"environment variable {variable}"), text, from_environment=True)


def _node(node: yaml.Node, file: str, problems: Problems, depth: int) -> SettingsNode:
    place = SettingsPlace(file, node.start_mark.line + 1)
    if depth == 0:
        problems.add(place, "is nested too deep", f"no setting is deeper than {DEEPEST} levels")
        return SettingsNode(None, place)
    if isinstance(node, yaml.MappingNode):
        return SettingsNode(dict(_entries(node, file, problems, depth)), place)
    if isinstance(node, yaml.SequenceNode):
        return SettingsNode([_node(item, file, problems, depth - 1) for item in node.value], place)
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except NO_VALUE:
        value = node.value
    return SettingsNode(value, place, str(node.value))


def _entries(node: yaml.MappingNode, file: str, problems: Problems, depth: int) -> Iterator[tuple[str, SettingsNode]]:
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        place = SettingsPlace(file, key.start_mark.line + 1)
        if name in seen:
            problems.add(place, f"{name} is written twice", "leave one of the two")
        seen.add(name)
        found = _node(value, file, problems, depth - 1)
        # The line of the name is where people look, also where the value begins below it.
        found.place = place
        yield name, found

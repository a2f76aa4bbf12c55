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
    where: SettingsPlace
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
    root_node = _node(root, file, problems, DEEPEST)
    if not isinstance(root_node.value, dict):
        problems.add(root_node.where, "the settings are not a mapping", "write `name: value` lines")
        return None
    return root_node


def lay_over(root: SettingsNode, environ: Mapping[str, str]) -> None:
    """Put `GITOPSD_API__PORT=…` over `api.port`, and so on for every scalar.

    A variable without `__` counts only where a setting of that name stands at the top, which `loading` decides:
    Kubernetes puts GITOPSD_PORT and the like into every pod beside a Service named gitopsd.
    """
    for variable in sorted(environ):
        path = variable.removeprefix(PREFIX).lower().split("__")
        if not variable.startswith(PREFIX) or not all(path):
            continue
        node = root
        for name in path[:-1]:
            inner = node.value.get(name)
            if inner is None or not isinstance(inner.value, dict):
                inner = SettingsNode({}, SettingsPlace(f"environment variable {variable}"), from_environment=True)
                node.value[name] = inner
            node = inner
        node.value[path[-1]] = _scalar_of(variable, environ[variable])


def _scalar_of(variable: str, text: str) -> SettingsNode:
    try:
        value = yaml.safe_load(text)
    except NO_VALUE:
        value = text
    if isinstance(value, dict | list):
        value = text
    return SettingsNode(value, SettingsPlace(f"environment variable {variable}"), text, from_environment=True)


def _node(node: yaml.Node, file: str, problems: Problems, depth: int) -> SettingsNode:
    here = SettingsPlace(file, node.start_mark.line + 1)
    if depth == 0:
        problems.add(here, "is nested too deep", f"no setting is deeper than {DEEPEST} levels")
        return SettingsNode(None, here)
    if isinstance(node, yaml.MappingNode):
        return SettingsNode(dict(_entries(node, file, problems, depth)), here)
    if isinstance(node, yaml.SequenceNode):
        return SettingsNode([_node(item, file, problems, depth - 1) for item in node.value], here)
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except NO_VALUE:
        value = node.value
    return SettingsNode(value, here, str(node.value))


def _entries(node: yaml.MappingNode, file: str, problems: Problems, depth: int) -> Iterator[tuple[str, SettingsNode]]:
    names: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        here = SettingsPlace(file, key.start_mark.line + 1)
        if name in names:
            problems.add(here, f"{name} is written twice", "leave one of the two")
        names.add(name)
        child = _node(value, file, problems, depth - 1)
        # The line of the name is where people look, also where the value begins below it.
        child.where = here
        yield name, child

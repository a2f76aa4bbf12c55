"""`spec.source.plugin`: the plugin's name, and the environment and parameters it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitopsd.core.declaration.fields import SHOWN, Fields
from gitopsd.model.application import PluginOptions

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a variable, as a shell has it
MOST_BYTES = 96 << 10  # of one variable; the kernel takes 128 KiB


def plugin_options(block: Fields) -> PluginOptions:
    """Return what `block` says.

    Raises:
        InvalidDeclaration: a variable's name is none, a parameter has no name or two values, or a value is too long.
    """
    options = PluginOptions(block.text("name"), _env(block), _parameters(block))
    block.close()
    return options


def _env(block: Fields) -> tuple[tuple[str, str], ...]:
    variables = []
    for entry in block.mappings("env") or ():
        name, value = entry.text("name"), entry.text("value")
        if not NAME.fullmatch(name):
            raise entry.refuse("name", f"is {name[:SHOWN]!r}", "write letters, digits and '_'")
        variables.append((name, _bounded(entry, "value", value)))
        entry.close()
    return tuple(variables)


def _parameters(block: Fields) -> tuple[Mapping[str, Any], ...]:
    parameters = []
    for entry in block.mappings("parameters") or ():
        if not entry.text("name"):
            raise entry.refuse("name", "is missing", "write the parameter's name")
        entry.text("string")
        entry.texts("array")
        entry.text_map("map")
        kinds = [kind for kind in ("string", "array", "map") if entry.has(kind)]
        if len(kinds) > 1:
            raise entry.refuse("", f"has {' and '.join(kinds)}", "leave one of them")
        _bounded(entry, "".join(kinds), str(entry.value()))
        entry.close()
        parameters.append({name: entry.value()[name] for name in ("name", *kinds)})
    return tuple(parameters)


def _bounded(entry: Fields, name: str, value: str) -> str:
    if len(value.encode()) > MOST_BYTES or "\0" in value:
        raise entry.refuse(name, "cannot be the value of a variable", "put what is long into a file of the source")
    return value

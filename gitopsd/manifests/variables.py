"""The build environment (`ARGOCD_APP_NAME` and its like): what a render asks of it becomes part of its closure.

So a source that asks for nothing is rendered once for all applications that have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

KIND = "env:"  # of a closure's key, before the variable's name
API = "KUBE_API_VERSIONS/"  # before one that KUBE_API_VERSIONS lists: a variable of its own, "" where it is not

_REFERENCE = re.compile(r"\$(?:\{(?P<braced>[^}]*)\}|(?P<name>[A-Za-z0-9_]+|[*#$@!?-]))", re.ASCII)


class Variables:
    """The values, and which of them were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._seen: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """The names of all that have a value, sorted; none is asked for by this."""
        return sorted(self._values)

    def __getitem__(self, name: str) -> str:
        """Return a variable's value, "" where there is none; either way it counts as asked for."""
        return self._seen.setdefault(KIND + name, value_of(name, self._values))

    def expand(self, text: str) -> str:
        """Return `text` with `$NAME` and `${NAME}` replaced by their values; `$$` is a dollar sign.

        Source: Argo CD, util of `v1alpha1.Env` (Envsubst), which is Go's os.Expand.
        """
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        name = match["braced"] if match["braced"] is not None else match["name"]
        return "$" if name == "$" else self[name]

    def closure(self) -> dict[str, str]:
        """Return what was asked for, as keys of a closure with their values."""
        return dict(self._seen)


def asked(looked_up: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the variables among the keys of a closure, sorted."""
    return tuple(sorted(key.removeprefix(KIND) for key in looked_up if key.startswith(KIND)))


def seen(looked_up: Iterable[str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of a closure that name variables, with the values these have now."""
    return {KIND + name: value_of(name, values) for name in asked(looked_up)}


def value_of(name: str, values: Mapping[str, str]) -> str:
    """Return the value of a variable, "" where there is none."""
    if name in values or not name.startswith(API):
        return values.get(name, "")
    return "served" if f",{name.removeprefix(API)}," in f",{values.get('KUBE_API_VERSIONS', '')}," else ""

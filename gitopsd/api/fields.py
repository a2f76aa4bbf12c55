"""`fields` of a request: which parts of each application are answered, as Argo CD has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.errors import BadRequest

MOST = 100  # of one request
MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class SelectedFields:
    """Paths into an application, as `metadata.name`; a list on the way is gone through."""

    text: str  # as it was asked
    tree: Mapping[str, Any]  # names → what is below, {} for all
    without: bool = False  # these parts are left out, instead of all others

    def wants(self, *path: str) -> bool:
        """Tell whether anything at or below `path` is answered."""
        tree = self.tree
        for name in path:
            if name not in tree:
                return self.without
            tree = tree[name]
            if not tree:
                return not self.without
        return True

    def of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of `document` that are asked for."""
        return dict((_without if self.without else _only)(document, self.tree))


EVERYTHING = SelectedFields("", {}, without=True)


def fields_of(text: str, prefix: str) -> SelectedFields:
    """Read `fields`, whose paths begin with `prefix`; all of an application where they name nothing of it.

    Raises:
        BadRequest: there are too many of them.
    """
    if not text:
        return EVERYTHING
    without = text.startswith("-")
    names = text.removeprefix("-").split(",")
    if len(names) > MOST or len(text) > MOST_CHARACTERS:
        raise BadRequest(f"fields names {len(names)} paths", remedy=f"name at most {MOST}")
    paths = [name.removeprefix(prefix).split(".") for name in names if name.startswith(prefix)]
    if not paths:
        return EVERYTHING
    tree: dict[str, Any] = {}
    for path in paths:
        _grow(tree, path)
    return SelectedFields(text, tree, without)


def _grow(tree: dict[str, Any], path: Sequence[str]) -> None:
    for index, name in enumerate(path):
        if index == len(path) - 1:
            tree[name] = {}
        elif name in tree and not tree[name]:
            return  # all of it is named already
        else:
            tree = tree.setdefault(name, {})


def _only(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, Mapping):
        return {name: _only(value[name], below) for name, below in tree.items() if name in value}
    return [_only(item, tree) for item in value] if isinstance(value, list) else value


def _without(value: Any, tree: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        left_out = {name for name, below in tree.items() if not below}
        kept = ((name, item) for name, item in value.items() if name not in left_out)
        return {name: _without(item, tree[name]) if name in tree else item for name, item in kept}
    return [_without(item, tree) for item in value] if isinstance(value, list) else value

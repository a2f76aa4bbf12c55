"""A policy that is a list: what it names is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase


class ListedRights:
    """Allows `(subject, resource, action, object)`; the object is a glob, in which `*` crosses slashes."""

    def __init__(self, *rules: tuple[str, str, str, str]) -> None:
        self.rules = list(rules)

    def permitted(self, subjects: Sequence[str], resource: str, action: str) -> Callable[[str], bool]:
        objects = [rule[3] for rule in self.rules if rule[0] in subjects and rule[1:3] == (resource, action)]
        return lambda name: any(fnmatchcase(name, pattern) for pattern in objects)

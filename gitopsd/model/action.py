"""What can be done to an object of a kind, by a name such as `restart`, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitopsd.model.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ObjectAction:
    """One action, as it is offered for an object."""

    name: str
    disabled: bool = False  # it would change nothing just now
    icon: str = ""  # CSS classes, as Argo CD's UI takes them
    display_name: str = ""
    params: tuple[str, ...] = ()  # names of what it asks for


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """One object that an action writes."""

    manifest: Manifest
    create: bool = False  # it is made; else it is the object of the action itself, as it should become


@dataclass(frozen=True, slots=True)
class ActionCustomization:
    """A user's actions for one kind, in Lua."""

    discoveries: tuple[str, ...]  # scripts that return what is offered for `obj`; the first that names an action counts
    scripts: Mapping[str, str] = field(default_factory=dict)  # by the action's name
    with_builtin: bool = False  # those that are built in are offered beside

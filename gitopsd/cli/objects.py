"""Which live objects of an application a command is about: by kind and name, as Argo CD's command takes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.errors import BadRequest, NotFound

_PARTS = ("group", "kind", "namespace", "name")
_OPTIONS = (
    click.option("--kind", required=True),
    click.option("--resource-name", default=None, help="Unless given, all of the kind are meant."),
    click.option("--group", default=None, help="Of the kind, such as apps."),
    click.option("--namespace", default=None),
    click.option("--all", "every", is_flag=True, help="Take all objects that fit, not only one."),
)


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """What the options say; None is not asked for."""

    kind: str
    name: str | None
    group: str | None
    namespace: str | None
    every: bool

    def of(self, client: DaemonClient, app: str) -> Sequence[Mapping[str, str]]:
        """Return group, kind, namespace and name of the live objects that are meant.

        Raises:
            NotFound: there is none.
            BadRequest: there are several, and one is meant.
        """
        wanted = zip(_PARTS, (self.group, self.kind, self.namespace, self.name), strict=True)
        asked = [(part, text) for part, text in wanted if text is not None]
        nodes = client.get(application_path(app, "resource-tree")).get("nodes") or ()
        fitting = [node for node in nodes if all((node.get(part) or "") == text for part, text in asked)]
        if not fitting:
            raise NotFound(f"{app} has no such live object", remedy=f"see `gitopsd app tree {app}`")
        if len(fitting) > 1 and not self.every:
            names = ", ".join(f"{status.resource_kind(node)} {status.resource_name(node)}" for node in fitting)
            raise BadRequest(f"{len(fitting)} objects fit: {names}", remedy="name one of them, or say --all")
        return [{part: node.get(part) or "" for part in _PARTS} for node in fitting]


def object_query(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return how the API is told which object is meant."""
    return {"resourceName": chosen["name"], **{part: chosen[part] for part in _PARTS[:3]}}


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose objects, as its parameter `choice`."""

    @functools.wraps(function)
    def run(
        *arguments: Any,
        kind: str,
        resource_name: str | None,
        group: str | None,
        namespace: str | None,
        every: bool,
        **rest: Any,
    ) -> Any:
        return function(*arguments, choice=ObjectOptions(kind, resource_name, group, namespace, every), **rest)

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated

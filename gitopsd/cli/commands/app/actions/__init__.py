"""`gitopsd app actions`: what can be done to live objects, such as a restart."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

_HERE = "gitopsd.cli.commands.app.actions"

VERBS = {
    "list": LazyCommand(f"{_HERE}.list", "List what can be done to live objects."),
    "run": LazyCommand(f"{_HERE}.run", "Do one of it."),
}


@click.group("actions", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Restart, scale, suspend …: what can be done to live objects of an application."""

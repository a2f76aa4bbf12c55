"""`gitopsd proj`: what a running daemon knows of projects."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

_HERE = "gitopsd.cli.commands.proj"

VERBS = {
    "list": LazyCommand(f"{_HERE}.list", "List projects."),
    "get": LazyCommand(f"{_HERE}.get", "Show one project."),
}


@click.group("proj", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask a running daemon about projects."""

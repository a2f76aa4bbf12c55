"""`gitopsd cluster`: what a running daemon knows of clusters."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

_HERE = "gitopsd.cli.commands.cluster"

VERBS = {
    "list": LazyCommand(f"{_HERE}.list", "List clusters."),
    "get": LazyCommand(f"{_HERE}.get", "Show one cluster."),
}


@click.group("cluster", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask a running daemon about clusters."""

"""`gitopsd audit`: who did what through the API, and what was refused."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

_HERE = "gitopsd.cli.commands.audit"

VERBS = {
    "list": LazyCommand(f"{_HERE}.list", "List who did what, the newest first."),
    "export": LazyCommand(f"{_HERE}.export", "Print all of it as lines of JSON."),
}


@click.group("audit", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask who did what through the API, from where and by which right, and what was refused."""

"""`gitopsd drift`: what was changed in clusters behind Git's back."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

VERBS = {
    "list": LazyCommand("gitopsd.cli.commands.drift.list", "List what was changed, by whom, and how it ended."),
    "show": LazyCommand("gitopsd.cli.commands.drift.show", "Show one entry in full."),
}


@click.group("drift", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask a running daemon what was changed in clusters behind Git's back."""

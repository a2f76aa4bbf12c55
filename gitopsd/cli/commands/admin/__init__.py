"""`gitopsd admin`: what whoever runs the daemon does without it."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

VERBS = {
    "rbac": LazyCommand("gitopsd.cli.commands.admin.rbac", "Try and check the policy of rights."),
}


@click.group("admin", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Do, without a daemon, what concerns all of it."""

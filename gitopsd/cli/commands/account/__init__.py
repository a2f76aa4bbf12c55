"""`gitopsd account`: the local accounts of a daemon."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

MODULE = "gitopsd.cli.commands.account"
VERBS = {
    "list": LazyCommand(f"{MODULE}.list", "List accounts."),
    "get": LazyCommand(f"{MODULE}.get", "Show one account and its tokens."),
    "can-i": LazyCommand(f"{MODULE}.can_i", "Ask whether one may do something."),
    "get-user-info": LazyCommand(f"{MODULE}.user_info", "Show as whom the daemon is asked."),
    "update-password": LazyCommand(f"{MODULE}.update_password", "Change a password."),
    "generate-token": LazyCommand(f"{MODULE}.generate_token", "Make a token, and print it."),
    "delete-token": LazyCommand(f"{MODULE}.delete_token", "Have a token count no more."),
}


@click.group("account", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask a running daemon about its accounts, or change them."""

"""`gitopsd context`."""

from __future__ import annotations

import click

from gitopsd.cli.contexts import Contexts, read_contexts, write_contexts
from gitopsd.cli.exits import HELP
from gitopsd.cli.output import print_table

COLUMNS = ("current", "name", "server", "username", "logged in")


@click.command("context", epilog=HELP)
@click.argument("name", required=False)
@click.option("--delete", is_flag=True, help="Forget the context NAME.")
def command(name: str | None, *, delete: bool) -> None:
    """List the daemons that one is logged in to, or ask the one of NAME from now on."""
    contexts = read_contexts()
    if name is None:
        if delete:
            raise click.UsageError("--delete needs the name of a context")
        rows = sorted(contexts.by_name.items())
        print_table(
            COLUMNS,
            (
                ("*" if key == contexts.current else "", key, each.server, each.username, "yes" if each.token else "no")
                for key, each in rows
            ),
        )
        return
    contexts.named(name)
    write_contexts(contexts.without(name) if delete else Contexts(name, contexts.by_name))

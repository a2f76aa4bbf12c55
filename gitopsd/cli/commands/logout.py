"""`gitopsd logout`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from gitopsd.cli.client import DaemonAddress, DaemonClient, DaemonRefused
from gitopsd.cli.contexts import read_contexts, write_contexts
from gitopsd.cli.exits import HELP


@click.command("logout", epilog=HELP)
@click.argument("context", required=False)
def command(context: str | None) -> None:
    """End the session of the current context, or of CONTEXT; its token is forgotten here in any case."""
    contexts = read_contexts()
    name = context or contexts.current
    found = contexts.named(name)
    write_contexts(contexts.put(name, replace(found, token="")))
    if not found.token:
        return
    address = DaemonAddress(found.server, found.token, Path(found.ca_file) if found.ca_file else None, found.insecure)
    with suppress(DaemonRefused):  # the session has ended already
        DaemonClient(address).send("DELETE", "/api/v1/session")
    click.echo(f"{found.username or name} is logged out", err=True)

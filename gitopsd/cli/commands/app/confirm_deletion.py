"""`gitopsd app confirm-deletion`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("confirm-deletion")
@completing.application
def command(client: DaemonClient, name: str) -> int:
    """Approve the prunes and deletions of an application that wait for it (Prune=confirm, Delete=confirm)."""
    client.send("POST", application_path(name, "confirm-deletion"), {})
    click.echo(line(f"{name}: what waits for approval is deleted"))
    return Exit.OK

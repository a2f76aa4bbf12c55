"""`gitopsd app terminate-op`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("terminate-op")
@completing.application
def command(client: DaemonClient, name: str) -> None:
    """End the sync that is under way; what it applied so far stays."""
    client.send("DELETE", application_path(name, "operation"))
    click.echo(line(f"{name}: the operation is being terminated"))

"""`gitopsd app patch`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("patch")
@completing.application
@click.option("--patch", "text", required=True, metavar="JSON")
@click.option("--type", "kind", default="json", show_default=True, type=click.Choice(("json", "merge")))
def command(client: DaemonClient, name: str, *, text: str, kind: str) -> int:
    """Change an application that is declared by the API by a JSON patch or a merge patch."""
    client.send("PATCH", application_path(name), {"patch": text, "patchType": kind})
    click.echo(line(f"application {name} is changed"))
    return Exit.OK

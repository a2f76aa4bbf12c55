"""`gitopsd account can-i`."""

from __future__ import annotations

from urllib.parse import quote

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb


@verb("can-i")
@click.argument("action")
@click.argument("resource")
@click.argument("object", metavar="OBJECT", default="*")
def command(client: DaemonClient, *, action: str, resource: str, object: str) -> int:  # noqa: A002 - the policies' word
    """Ask whether one may do ACTION to OBJECT of RESOURCE, as in `can-i sync applications retail/shop`; 1 is no."""
    path = "/".join(("/api/v1/account/can-i", quote(resource, safe=""), quote(action, safe=""), quote(object)))
    value = str(client.get(path)["value"])
    click.echo(value)
    return Exit.OK if value == "yes" else Exit.NO

"""`gitopsd audit export`."""

from __future__ import annotations

import json

import click

from gitopsd.cli.auditing import PAGE, choosing, pages
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import verb


@verb("export")
@choosing
def command(client: DaemonClient, *, query: dict[str, str]) -> None:
    """Print all entries as lines of JSON, the newest first."""
    for answer in pages(client, query, PAGE):
        for entry in answer.get("items") or ():
            click.echo(json.dumps(entry))

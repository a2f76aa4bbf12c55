"""`gitopsd app refresh`."""

from __future__ import annotations

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import line, print_data


@verb("refresh")
@completing.application
@click.option("--hard", is_flag=True, help="Render anew as well, past the cache.")
@output
def command(client: DaemonClient, name: str, *, hard: bool, form: str) -> None:
    """Fetch and compare again, without writing."""
    app = client.get(application_path(name), {"refresh": "hard" if hard else "normal"})
    if form == "table":
        click.echo(line(f"{status.name(app)}: {status.sync(app)}, {status.health(app)}"))
    else:
        print_data(app, form)

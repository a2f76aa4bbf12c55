"""`gitopsd app delete`."""

from __future__ import annotations

import sys

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("delete")
@completing.application
@click.option("--cascade/--no-cascade", default=None, help="Delete its objects in the cluster too, or leave them.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(client: DaemonClient, name: str, *, cascade: bool | None, yes: bool) -> int:
    """Delete an application; whether its objects go too must be said."""
    if cascade is None:
        raise click.UsageError("say --cascade (its objects go too) or --no-cascade (they stay)")
    question = f"Delete {name} {'and all its objects' if cascade else 'and leave its objects'}?"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask; say --yes")
        if not click.confirm(line(question)):
            return Exit.NO
    client.send("DELETE", application_path(name), query={"cascade": "true" if cascade else "false"})
    click.echo(line(f"{name}: deleted" if not cascade else f"{name}: its objects are being deleted, then it goes"))
    return Exit.OK

"""`gitopsd app delete-resource`."""

from __future__ import annotations

import sys

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.objects import ObjectOptions, choosing, object_query
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("delete-resource")
@completing.application
@choosing
@click.option("--force", is_flag=True, help="At once, without a grace period.")
@click.option("--orphan", is_flag=True, help="Leave what the object owns.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(client: DaemonClient, name: str, *, choice: ObjectOptions, force: bool, orphan: bool, yes: bool) -> int:
    """Delete a live object of an application; what Git has is made anew by the next sync."""
    for chosen in choice.of(client, name):
        what = f"{status.resource_kind(chosen)} {status.resource_name(chosen)}"
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("there is nobody to ask; say --yes")
            if not click.confirm(line(f"Delete {what}?")):
                continue
        flags = {"force": "true" if force else "false", "orphan": "true" if orphan else "false"}
        client.send("DELETE", application_path(name, "resource"), query={**object_query(chosen), **flags})
        click.echo(line(f"{name}: {what} is being deleted"))
    return Exit.OK

"""`gitopsd app actions run`."""

from __future__ import annotations

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.objects import ObjectOptions, choosing, object_query
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("run")
@click.argument("name")
@click.argument("action")
@choosing
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="What the action asks for, as replicas=3.")
def command(client: DaemonClient, name: str, action: str, *, choice: ObjectOptions, params: tuple[str, ...]) -> int:
    """Run an action on a live object of an application."""
    pairs = [param.partition("=") for param in params]
    if not all(sign for _, sign, _ in pairs):
        raise click.UsageError("a --param is NAME=VALUE")
    given = [{"name": key, "value": value} for key, _, value in pairs]
    for chosen in choice.of(client, name):
        body = {**object_query(chosen), "action": action, "resourceActionParameters": given}
        client.send("POST", application_path(name, "resource", "actions", "v2"), body)
        click.echo(line(f"{name}: {action} {status.resource_kind(chosen)} {status.resource_name(chosen)}: done"))
    return Exit.OK

"""`gitopsd app get-resource`."""

from __future__ import annotations

import json

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.objects import ObjectOptions, choosing, object_query
from gitopsd.cli.options import verb
from gitopsd.cli.output import print_data


@verb("get-resource")
@completing.application
@choosing
@click.option("-o", "--output", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
def command(client: DaemonClient, name: str, *, choice: ObjectOptions, form: str) -> None:
    """Print a live object of an application; the values of Secrets are masked."""
    found = [
        json.loads(client.get(application_path(name, "resource"), object_query(chosen))["manifest"])
        for chosen in choice.of(client, name)
    ]
    print_data(found[0] if len(found) == 1 else found, form)

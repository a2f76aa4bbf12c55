"""`gitopsd app set`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.declaring import declaring, with_parts
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("set")
@completing.application
@declaring
@click.option(
    "--validate/--no-validate", default=True, show_default=True, help="Look whether project and cluster take it."
)
def command(client: DaemonClient, name: str, *, parts: Mapping[str, Any], validate: bool) -> int:
    """Change parts of an application that is declared by the API."""
    if not parts:
        raise click.UsageError("say what to set; see --help")
    path = application_path(name)
    spec = with_parts(client.get(path)["spec"], parts)
    client.send("PUT", application_path(name, "spec"), spec, {"validate": str(validate).lower()})
    click.echo(line(f"application {name} is changed"))
    return Exit.OK

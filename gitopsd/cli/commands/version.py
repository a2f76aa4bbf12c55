"""`gitopsd version`."""

from __future__ import annotations

import click

import gitopsd
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts


@verb("version")
@click.option("--client", "client_only", is_flag=True, help="Ask no daemon.")
@output
def command(client: DaemonClient, *, client_only: bool, form: str) -> None:
    """Print this program's version, and that of the daemon it reaches."""
    versions = {"client": {"Version": gitopsd.__version__}}
    if not client_only:
        versions["server"] = client.get("/api/version")
    if form == "table":
        print_facts((f"{part} {name}", value) for part, facts in versions.items() for name, value in facts.items())
    else:
        print_data(versions, form)

"""`gitopsd app manifests`."""

from __future__ import annotations

import json

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import verb
from gitopsd.cli.output import as_yaml, block, print_data


@verb("manifests")
@completing.application
@click.option("--revision", default="", help="At this branch, tag or commit, instead of the application's own.")
@click.option("-o", "--output", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
def command(client: DaemonClient, name: str, *, revision: str, form: str) -> None:
    """Print the desired manifests, rendered from Git."""
    answer = client.get(application_path(name, "manifests"), {"revision": revision} if revision else {})
    manifests = [json.loads(text) for text in answer.get("manifests") or ()]
    if form == "json":
        print_data(manifests, form)
    for manifest in manifests if form == "yaml" else ():
        click.echo(block("---\n" + as_yaml(manifest)), nl=False)

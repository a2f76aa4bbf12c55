"""`gitopsd app create`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.declaring import declaring, read_document, with_parts
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line


@verb("create")
@click.argument("name", required=False)
@click.option(
    "-f", "--file", type=click.Path(allow_dash=True), help="An Application as YAML or JSON; - is standard input."
)
@declaring
@click.option("-l", "--label", "labels", multiple=True, metavar="NAME=VALUE")
@click.option("--upsert", is_flag=True, help="Change it where there is one of this name by the API.")
@click.option(
    "--validate/--no-validate", default=True, show_default=True, help="Look whether project and cluster take it."
)
def command(
    client: DaemonClient,
    *,
    name: str | None,
    file: str | None,
    parts: Mapping[str, Any],
    labels: tuple[str, ...],
    upsert: bool,
    validate: bool,
) -> int:
    """Declare an application by the API, from a file, from options, or from both; options go before."""
    document = read_document(None if file == "-" else Path(file)) if file else {}
    if not isinstance(document, dict):
        raise click.UsageError(f"{file} holds no Application; give one mapping, as YAML or JSON")
    metadata = {**document.get("metadata", {}), **({"name": name} if name else {})}
    if not metadata.get("name"):
        raise click.UsageError("name the application, in the file or beside it")
    if labels:
        metadata["labels"] = {**metadata.get("labels", {}), **dict(_label(text) for text in labels)}
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        **document,
        "metadata": metadata,
        "spec": with_parts({"project": "default", **document.get("spec", {})}, parts),
    }
    query = {"upsert": str(upsert).lower(), "validate": str(validate).lower()}
    client.send("POST", "/api/v1/applications", body, query)
    click.echo(line(f"application {metadata['name']} is declared; see `gitopsd app get {metadata['name']}`"))
    return Exit.OK


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{text!r} is no label; write NAME=VALUE")
    return name, value

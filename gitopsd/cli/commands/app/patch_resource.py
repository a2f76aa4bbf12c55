"""`gitopsd app patch-resource`."""

from __future__ import annotations

import json
from typing import Any

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.objects import ObjectOptions, choosing, object_query
from gitopsd.cli.options import verb
from gitopsd.cli.output import line

_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


@verb("patch-resource")
@completing.application
@choosing
@click.option("--patch", "text", required=True, metavar="JSON")
@click.option("--patch-type", default="merge", show_default=True, type=click.Choice((*_TYPES, *_TYPES.values())))
def command(client: DaemonClient, name: str, *, choice: ObjectOptions, text: str, patch_type: str) -> int:
    """Change fields of a live object; self-heal takes back those that Git sets."""
    try:
        patch: Any = json.loads(text)
    except ValueError as err:
        raise click.UsageError(f"the patch is not JSON: {err}") from None
    for chosen in choice.of(client, name):
        query = {**object_query(chosen), "patchType": _TYPES.get(patch_type, patch_type)}
        client.send("POST", application_path(name, "resource"), patch, query)
        click.echo(line(f"{name}: {status.resource_kind(chosen)} {status.resource_name(chosen)} is patched"))
    return Exit.OK

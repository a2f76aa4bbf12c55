"""`gitopsd drift show`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.commands.drift.list import outcome
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import as_yaml, block, print_data, print_facts


@verb("show")
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@output
def command(client: DaemonClient, number: int, *, form: str) -> None:
    """Show one entry of the ledger: what was changed, from what to what, by whom, and how it ended."""
    item = client.get(f"/api/v1/drift/{number}")
    if form != "table":
        print_data(item, form)
        return
    print_facts(_facts(item))
    for sign, value, colour in (("-", item.get("old"), "red"), ("+", item.get("new"), "green")):
        text = value if isinstance(value, str) else as_yaml(value).removesuffix("...\n").rstrip("\n")
        for part in text.split("\n"):
            click.secho(block(f"  {sign} {part}"), fg=colour)


def _facts(item: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "Application", item.get("application")
    yield "Cluster", item.get("cluster")
    yield "Object", f"{status.resource_kind(item)} {status.resource_name(item)}"
    yield "Field", item.get("path")
    yield "Kind of writer", item.get("class")
    for writer in item.get("writers") or ():
        how = ", ".join(part for part in (writer.get("operation"), writer.get("subresource")) if part)
        doubt = "" if writer.get("certain") else "; perhaps: what is removed leaves no trace, and it wrote last"
        yield "Writer", f"{writer.get('manager')} ({how}), last wrote {writer.get('time') or 'at no known time'}{doubt}"
    yield "Seen", f"{item.get('beganAt')} ({status.ago(item.get('beganAt'), time.time())})"
    yield "Over", item.get("endedAt")
    yield "Outcome", outcome(item)
    yield "Operation", item.get("operation")

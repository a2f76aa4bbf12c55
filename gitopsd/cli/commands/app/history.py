"""`gitopsd app history`."""

from __future__ import annotations

from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import Client, application_path
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table


@verb("history")
@click.argument("name")
@output
def command(client: Client, name: str, *, form: str) -> None:
    """List past syncs, the newest last; `gitopsd app rollback` takes their ids."""
    entries = status.at(client.get(application_path(name)), "status", "history") or []
    if form == "table":
        print_table(("id", "deployed", "revision", "by"), (_row(entry) for entry in entries))
    else:
        print_data(entries, form)


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    revisions = entry.get("revisions") or [entry.get("revision") or ""]
    by = entry.get("initiatedBy") or {}
    return (
        str(entry.get("id", "")),
        str(entry.get("deployedAt") or ""),
        ",".join(status.short(str(revision)) for revision in revisions),
        "automated" if by.get("automated") else str(by.get("username") or ""),
    )

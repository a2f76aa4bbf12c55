"""`gitopsd app history`."""

from __future__ import annotations

from typing import Any

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.operations import print_results
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts, print_table


@verb("history")
@completing.application
@click.argument("number", metavar="[ID]", type=click.IntRange(min=0), required=False)
@output
def command(client: DaemonClient, name: str, number: int | None, *, form: str) -> None:
    """List past syncs, the newest last, or show what became of each object in one of them.

    `gitopsd app rollback` takes the ids of those that succeeded.
    """
    if number is not None:
        one = client.get(application_path(name, "syncs", str(number)))
        if form == "table":
            _show(one)
        else:
            print_data(one, form)
        return
    entries = client.get(application_path(name, "syncs")).get("items") or []
    if form == "table":
        columns = ("id", "ended", "took", "result", "revision", "by", "message")
        print_table(columns, (_row(entry) for entry in entries))
    else:
        print_data(entries, form)


def _show(one: dict[str, Any]) -> None:
    facts = [
        ("Sync", one.get("id")),
        ("Started", one.get("deployStartedAt")),
        ("Ended", one.get("deployedAt")),
        ("By", _by(one)),
        ("Revision", _revision(one)),
        ("Content", one.get("target")),
        ("Result", f"{one.get('phase')}: {one.get('message') or ''}"),
    ]
    print_facts(facts)
    print_results(one.get("resources") or ())


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(entry.get("id", "")),
        str(entry.get("deployedAt") or ""),
        f"{entry.get('durationSeconds', 0):g} s",
        str(entry.get("phase") or ""),
        _revision(entry),
        _by(entry),
        str(entry.get("message") or ""),
    )


def _revision(entry: dict[str, Any]) -> str:
    revisions = entry.get("revisions") or [entry.get("revision") or ""]
    return ",".join(status.short(str(revision)) for revision in revisions)


def _by(entry: dict[str, Any]) -> str:
    by = entry.get("initiatedBy") or {}
    return "automated" if by.get("automated") else str(by.get("username") or "")

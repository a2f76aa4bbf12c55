"""`gitopsd drift list`."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("id", "seen", "application", "cluster", "object", "field", "change", "by", "outcome")
CLASSES = ("human", "controller", "gitops", "admission", "unknown")
SHORT = 40  # characters of a value in a line


@verb("list")
@click.option("--app", "application", help="Only of this application.")
@click.option("--cluster", help="Only in this cluster.")
@click.option("--writer", help="Only by this field manager; a glob, as in 'kubectl*'.")
@click.option("--class", "by", type=click.Choice(CLASSES), help="Only by this kind of writer.")
@click.option("--since", help="Only what was so then or later: a time, or how long ago (90m, 36h, 7d).")
@click.option("--until", help="Only what began before then.")
@click.option("--open", "is_open", is_flag=True, help="Only what is so still.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@output
def command(
    client: DaemonClient, *, by: str | None, is_open: bool, limit: int, form: str, **filters: str | None
) -> None:
    """List what was changed in clusters behind Git's back, the newest first.

    `change` is from what Git asks for to what it was made. `gitopsd drift show ID` has all of one entry.
    """
    query = {name: value for name, value in ({**filters, "class": by}).items() if value}
    answer = client.get("/api/v1/drift", {**query, "limit": str(limit), **({"open": "true"} if is_open else {})})
    if form != "table":
        print_data(answer, form)
        return
    items = answer.get("items") or ()
    print_table(COLUMNS, (_row(item) for item in items))
    if (answer.get("metadata") or {}).get("continue"):
        click.echo(f"There is more: these are the newest {len(items)}; see --limit and the filters.", err=True)


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(item.get("id")),
        status.ago(item.get("beganAt"), time.time()),
        str(item.get("application")),
        str(item.get("cluster")),
        f"{status.resource_kind(item)} {status.resource_name(item)}",
        str(item.get("path")),
        f"{_short(item.get('old'))} → {_short(item.get('new'))}",
        who(item),
        outcome(item),
    )


def who(item: dict[str, Any]) -> str:
    """Return who made a change, as far as that is known."""
    writers = item.get("writers") or ()
    if not writers:
        return "a webhook or a policy" if item.get("class") == "admission" else "(no trace)"
    doubt = "" if writers[0].get("certain") else "perhaps "
    return f"{doubt}{writers[0].get('manager')} ({item.get('class')})"


def outcome(item: dict[str, Any]) -> str:
    """Return how an entry ended and after how long."""
    lasted = status.lasting(float(item.get("durationSeconds") or 0.0))
    return f"{item['end']} after {lasted}" if item.get("end") else f"open for {lasted}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"

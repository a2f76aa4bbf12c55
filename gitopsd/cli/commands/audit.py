"""`gitopsd audit`."""

from __future__ import annotations

import time

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("id", "when", "who", "did", "application", "detail")
FIELDS = ("username", "verb", "application", "detail")


@verb("audit")
@click.option("--app", "application", help="Only what was done to this application.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@output
def command(client: DaemonClient, *, application: str | None, limit: int, form: str) -> None:
    """List who did what through the API, the newest first: syncs, rollbacks, deletions and their approvals."""
    query = {"limit": str(limit), **({"application": application} if application else {})}
    answer = client.get("/api/v1/audit", query)
    if form != "table":
        print_data(answer, form)
        return
    items, now_s = answer.get("items") or (), time.time()
    rows = (
        (str(entry.get("id")), status.ago(entry.get("at"), now_s), *(str(entry.get(f)) for f in FIELDS))
        for entry in items
    )
    print_table(COLUMNS, rows)
    if (answer.get("metadata") or {}).get("continue"):
        click.echo(f"There is more: these are the newest {len(items)}; see --limit and --app.", err=True)

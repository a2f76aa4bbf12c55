"""`gitopsd audit list`."""

from __future__ import annotations

import time

import click

from gitopsd.cli import status
from gitopsd.cli.auditing import choosing, pages
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("id", "when", "who", "from", "did", "application", "result", "detail")
FIELDS = ("username", "address", "verb", "application", "result", "detail")


@verb("list")
@choosing
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@output
def command(client: DaemonClient, *, query: dict[str, str], limit: int, form: str) -> None:
    """List who did what through the API, the newest first, and what was refused."""
    answer = next(pages(client, query, limit))
    if form != "table":
        print_data(answer, form)
        return
    items, now_s = answer.get("items") or (), time.time()
    rows = (
        (str(entry.get("id")), status.ago(entry.get("at"), now_s), *(str(entry.get(field) or "") for field in FIELDS))
        for entry in items
    )
    print_table(COLUMNS, rows)
    if (answer.get("metadata") or {}).get("continue"):
        click.echo(
            f"There is more: these are the newest {len(items)}; see --limit, --since, and `audit export`.", err=True
        )

"""`gitopsd app rollback`."""

from __future__ import annotations

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.operations import order, report
from gitopsd.cli.options import verb
from gitopsd.errors import NotFound


@verb("rollback")
@completing.application
@click.argument("history_id", type=int, required=False)
@click.option("--prune", is_flag=True, help="Delete what that sync did not have.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, write nothing.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=300.0, show_default=True,
              metavar="SECONDS", help="How long to wait for the end; 0 is for ever.")  # fmt: skip
def command(
    client: DaemonClient, name: str, history_id: int | None, *, prune: bool, dry_run: bool, timeout_s: float
) -> int:
    """Sync to what a past sync made live: HISTORY_ID of `gitopsd app history`, else the one before the last.

    Exit code 1 where the sync failed or is not over in time.
    """
    entry = _one_before_the_last(client, name) if history_id is None else history_id
    body = {"id": entry, "prune": prune, "dryRun": dry_run}
    before = order(client, name, "rollback", body)
    return Exit.OK if report(client, name, before, timeout_s=timeout_s) else Exit.NO


def _one_before_the_last(client: DaemonClient, name: str) -> int:
    entries = status.at(client.get(application_path(name)), "status", "history") or []
    if len(entries) < 2:  # noqa: PLR2004  # the last one, and one before it
        raise NotFound(f"{name} has no sync before its last one", remedy="see `gitopsd app history`")
    return int(entries[-2]["id"])

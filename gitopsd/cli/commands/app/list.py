"""`gitopsd app list`."""

from __future__ import annotations

from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("name", "cluster", "namespace", "project", "sync", "health", "revision", "operation", "conditions")


@verb("list")
@click.option("-p", "--project", "projects", multiple=True, help="Only of this project; may be given again.")
@click.option("-l", "--selector", default="", help="Only with these labels.")
@click.option("--sync", "sync_status", type=click.Choice(("Synced", "OutOfSync", "Unknown")), help="Only so.")
@click.option("--health", "health_status", help="Only of this health, such as Degraded.")
@output
def command(
    client: DaemonClient,
    *,
    projects: tuple[str, ...],
    selector: str,
    sync_status: str | None,
    health_status: str | None,
    form: str,
) -> None:
    """List applications."""
    query = {"selector": selector} if selector else {}
    answer = client.get("/api/v1/applications", query)
    matching = [
        app
        for app in answer.get("items") or ()
        if (not projects or status.at(app, "spec", "project") in projects)
        and sync_status in (None, status.sync(app))
        and health_status in (None, status.health(app))
    ]
    if form == "table":
        print_table(COLUMNS, (_row(app) for app in matching))
    else:
        print_data({**answer, "items": matching}, form)


def _row(app: dict[str, Any]) -> tuple[str, ...]:
    return (
        status.name(app),
        status.destination(app),
        status.namespace(app),
        str(status.at(app, "spec", "project") or ""),
        status.sync(app),
        status.health(app),
        ",".join(status.short(revision) for revision in status.revisions(app)),
        status.phase(app),
        ",".join(sorted({str(condition.get("type")) for condition in status.conditions(app)})),
    )

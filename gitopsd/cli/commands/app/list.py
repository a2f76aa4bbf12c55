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
@click.option("-c", "--cluster", "clusters", multiple=True, help="Only to this cluster, by name or server.")
@click.option("-r", "--repo", default="", help="Only from this repository.")
@click.option("--namespace", "namespaces", multiple=True, help="Only to this namespace.")
@click.option("--sync", "sync", multiple=True, type=click.Choice(("Synced", "OutOfSync", "Unknown")), help="Only so.")
@click.option("--health", "health", multiple=True, help="Only of this health, such as Degraded.")
@click.option("--search", default="", help="Only with this in their name.")
@click.option("--sort", default="", help="By name, project, cluster, namespace, sync or health; -NAME: the other way.")
@output
def command(client: DaemonClient, *, form: str, **query: str | tuple[str, ...]) -> None:
    """List applications."""
    asked = {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}
    answer = client.get("/api/v1/applications", {name: value for name, value in asked.items() if value})
    matching = answer.get("items") or ()
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

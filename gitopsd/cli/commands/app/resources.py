"""`gitopsd app resources`."""

from __future__ import annotations

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("object", "sync", "health", "about")


@verb("resources")
@completing.application
@output
def command(client: DaemonClient, name: str, *, form: str) -> None:
    """List what Git declares of an application, and how each object does."""
    found = status.at(client.get(application_path(name)), "status", "resources") or []
    if form != "table":
        print_data(found, form)
        return
    print_table(
        COLUMNS,
        (
            (
                f"{status.resource_kind(each)} {status.resource_name(each)}",
                each.get("status", ""),
                status.at(each, "health", "status") or "",
                status.at(each, "health", "message") or each.get("reason", ""),
            )
            for each in found
        ),
    )

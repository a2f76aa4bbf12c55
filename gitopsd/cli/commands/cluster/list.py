"""`gitopsd cluster list`."""

from __future__ import annotations

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("name", "server", "version", "connection", "applications", "message")


@verb("list")
@output
def command(client: DaemonClient, *, form: str) -> None:
    """List clusters, and whether each one answers."""
    answer = client.get("/api/v1/clusters")
    if form != "table":
        print_data(answer, form)
        return
    print_table(
        COLUMNS,
        (
            (
                cluster["name"],
                cluster["server"],
                cluster.get("serverVersion", ""),
                status.at(cluster, "connectionState", "status") or "",
                status.at(cluster, "info", "applicationsCount") or 0,
                status.at(cluster, "connectionState", "message") or "",
            )
            for cluster in answer.get("items") or ()
        ),
    )

"""`gitopsd cluster get`."""

from __future__ import annotations

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts
from gitopsd.errors import NotFound


@verb("get")
@completing.cluster
@output
def command(client: DaemonClient, name: str, *, form: str) -> None:
    """Show one cluster, by name or server: how it is reached, and what of it cannot be read."""
    clusters = client.get("/api/v1/clusters").get("items") or ()
    cluster = next((each for each in clusters if name in (each["name"], each["server"])), None)
    if cluster is None:
        raise NotFound(f"there is no cluster {name}", remedy="see `gitopsd cluster list`")
    if form != "table":
        print_data(cluster, form)
        return
    cache = status.at(cluster, "info", "cacheInfo") or {}
    print_facts(
        (
            ("Name", cluster["name"]),
            ("Server", cluster["server"]),
            ("Version", cluster.get("serverVersion")),
            ("Connection", status.at(cluster, "connectionState", "status")),
            ("Message", status.at(cluster, "connectionState", "message")),
            ("Applications", status.at(cluster, "info", "applicationsCount")),
            ("Objects", cache.get("resourcesCount")),
            ("Kinds", cache.get("apisCount")),
            ("Last heard", cache.get("lastCacheSyncTime")),
            ("Lease", status.at(cluster, "info", "lease")),
            *(("Not read", f"{each['kind']}: {each['message']}") for each in cache.get("failing") or ()),
        )
    )

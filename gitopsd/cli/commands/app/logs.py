"""`gitopsd app logs`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, DaemonUnreachable, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line

IDLE_S = 3600.0  # of a log that is followed; a quiet program is not a dead daemon


@verb("logs")
@completing.application
@click.option("--kind", default="", help="Of the object whose Pods are meant; Pod for one of them.")
@click.option("--resource-name", default="", help="Of the object.")
@click.option("--group", default="", help="Of the kind, such as apps.")
@click.option("--namespace", default="")
@click.option("-c", "--container", default="", help="Unless given, the only one.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--tail", "tail_lines", type=click.IntRange(min=0), help="So many of the last lines alone.")
@click.option("--since-seconds", type=click.IntRange(min=1))
@click.option("--previous", is_flag=True, help="Of the container that ran before.")
@click.option("--filter", "contains", default="", help="Lines with this alone; ! before it is without.")
def command(
    client: DaemonClient,
    name: str,
    *,
    kind: str,
    resource_name: str,
    group: str,
    namespace: str,
    container: str,
    follow: bool,
    tail_lines: int | None,
    since_seconds: int | None,
    previous: bool,
    contains: str,
) -> int:
    """Print the logs of an application's Pods, or of those below one of its objects."""
    query = {
        "kind": kind, "resourceName": resource_name, "group": group, "namespace": namespace, "container": container,
        "follow": "true" if follow else "", "tailLines": "" if tail_lines is None else str(tail_lines),
        "sinceSeconds": str(since_seconds or ""), "previous": "true" if previous else "", "filter": contains,
    }  # fmt: skip
    path, asked = application_path(name, "logs"), {part: value for part, value in query.items() if value}
    pods: set[str] = set()
    for event in client.events(path, asked, idle_s=IDLE_S if follow else 60.0):
        if event is None:
            continue
        if error := event.get("error"):
            raise DaemonUnreachable(str(error.get("message")), remedy="see `gitopsd app tree`, and try again")
        entry = event["result"]
        if entry.get("last"):
            break
        pods.add(entry.get("podName", ""))
        before = f"{entry.get('podName')}: " if len(pods) > 1 or not (kind or resource_name) else ""
        click.echo(line(before + entry.get("content", "")))
    return Exit.OK

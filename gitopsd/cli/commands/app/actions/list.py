"""`gitopsd app actions list`."""

from __future__ import annotations

from dataclasses import replace

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.objects import ObjectOptions, choosing, object_query
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table


@verb("list")
@click.argument("name")
@choosing
@output
def command(client: DaemonClient, name: str, *, choice: ObjectOptions, form: str) -> None:
    """List what can be done to live objects of a kind; what is disabled would change nothing just now."""
    items = []
    for chosen in replace(choice, every=True).of(client, name):
        answer = client.get(application_path(name, "resource", "actions"), object_query(chosen))
        items += [
            {**chosen, **action, "name": chosen["name"], "action": action["name"]} for action in answer["actions"]
        ]
    if form != "table":
        print_data(items, form)
        return
    columns = ("kind", "name", "action", "disabled", "parameters")
    print_table(
        columns,
        (
            (
                status.resource_kind(item),
                status.resource_name(item),
                item["action"],
                "yes" if item.get("disabled") else "",
                ", ".join(param["name"] for param in item.get("params") or ()),
            )
            for item in items
        ),
    )

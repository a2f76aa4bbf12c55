"""`gitopsd app windows`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import line, print_data, print_table


@verb("windows")
@completing.application
@output
def command(client: DaemonClient, name: str, *, form: str) -> int:
    """List the sync windows of its project that concern an application; exit 1 where they refuse a sync now."""
    found = client.get(application_path(name, "syncwindows"))
    if form != "table":
        print_data(found, form)
        return Exit.OK if found["canSync"] else Exit.NO
    opened = found.get("activeWindows") or []
    columns = ("kind", "schedule", "duration", "zone", "open", "by hand", "about")
    print_table(
        columns,
        (
            (
                window["kind"],
                window["schedule"],
                window["duration"],
                window["timeZone"],
                "yes" if window in opened else "",
                "yes" if window["manualSync"] else "",
                window.get("description", ""),
            )
            for window in found.get("assignedWindows") or ()
        ),
    )
    if not found["canSync"]:
        click.echo(line(f"{name}: {found['refusal']}"), err=True)
    return Exit.OK if found["canSync"] else Exit.NO

"""`gitopsd app wait`."""

from __future__ import annotations

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import line
from gitopsd.cli.progress import showing
from gitopsd.cli.waiting import Judge, wait


@verb("wait")
@completing.applications
@click.option("--sync", "for_sync", is_flag=True, help="Until Synced.")
@click.option("--health", "for_health", is_flag=True, help="Until Healthy.")
@click.option("--operation", "for_operation", is_flag=True, help="Until no sync is under way.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=300.0, show_default=True,
              metavar="SECONDS", help="0 waits for ever.")  # fmt: skip
def command(
    client: DaemonClient,
    names: tuple[str, ...],
    *,
    for_sync: bool,
    for_health: bool,
    for_operation: bool,
    timeout_s: float,
) -> int:
    """Wait until applications are Synced, Healthy and at rest, or for those of the three that are named.

    Exit code 1 where the time is over first.
    """
    any_chosen = any((for_sync, for_health, for_operation))
    done = judge(
        for_sync=for_sync or not any_chosen,
        for_health=for_health or not any_chosen,
        for_operation=for_operation or not any_chosen,
    )
    arrived = [_wait(client, name, done, timeout_s) for name in names]
    return Exit.OK if all(arrived) else Exit.NO


def judge(*, for_sync: bool, for_health: bool, for_operation: bool) -> Judge:
    """Return the condition that the options ask for."""

    def done(app: status.App) -> bool:
        return (
            (not for_sync or status.sync(app) == "Synced")
            and (not for_health or status.health(app) == "Healthy")
            and (not for_operation or not status.busy(app))
        )

    return done


def _wait(client: DaemonClient, name: str, done: Judge, timeout_s: float) -> bool:
    with showing(name) as progress:
        app, arrived = wait(client, name, done, timeout_s=timeout_s, on_status=progress.show)
    state = f"{status.sync(app)}, {status.health(app)}"
    under_way = ", a sync is under way" if status.busy(app) else ""
    reason = status.why_not_synced(app)
    late = "" if arrived else f"; not there after {timeout_s:g} s{': ' + reason if reason else ''}"
    click.echo(line(f"{name}: {state}{under_way}{late}"), err=not arrived)
    return arrived

"""Orders a sync or a rollback, and tells how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.output import line, print_table
from gitopsd.cli.progress import showing
from gitopsd.cli.waiting import wait

Before = tuple[object, Mapping[str, Any]]  # id and state of the operation before the order: another one must end


def order(client: DaemonClient, name: str, verb: str, body: Mapping[str, Any]) -> Before:
    """Order the operation `verb` (`sync`, `rollback`) and return the state of the operation before it."""
    before = _current(client.get(application_path(name)))
    client.send("POST", application_path(name, verb), body)
    return before


def report(client: DaemonClient, name: str, before: Before, *, timeout_s: float) -> bool:
    """Wait for the end of the ordered operation and print its results; tell whether it succeeded."""
    started = False

    def over(app: status.App) -> bool:
        nonlocal started
        started = started or status.busy(app)
        return not status.busy(app) and (started or _current(app) != before)

    with showing(name, before[0]) as progress:
        app, ended = wait(client, name, over, timeout_s=timeout_s, on_status=progress.show)
    if not ended:
        click.echo(line(f"{name}: not over after {timeout_s:g} s, it goes on"), err=True)
        return False
    print_results(status.results(app))
    phase = status.phase(app)
    click.echo(line(f"{name}: {phase}: {status.operation(app).get('message') or ''}"), err=phase != "Succeeded")
    return phase == "Succeeded"


def print_results(results: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of each object, and below it what the cluster said of those that failed."""
    if results:
        columns = ("phase", "wave", "kind", "name", "result", "message")
        print_table(columns, (_row(result) for result in results))
    for result in results:
        for text in result.get("evidence") or ():
            click.echo(line(text))


def _current(app: status.App) -> Before:
    return status.at(app, "status", "gitopsd", "operationId"), status.operation(app)


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(result.get("syncPhase") or ""),
        str(result.get("wave", "")),
        status.resource_kind(result),
        status.resource_name(result),
        str(result.get("status") or result.get("hookPhase") or ""),
        str(result.get("message") or ""),
    )

"""`gitopsd health`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gitopsd.cli import options
from gitopsd.cli.exits import Exit
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("kind", "namespace", "name", "health", "message")


@click.command("health")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The settings file whose health checks in Lua are used.",
)
@click.option(
    "--checks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A directory of health checks, laid out as Argo CD's resource_customizations.",
)
@options.output
def command(files: tuple[str, ...], config: Path | None, checks: Path | None, form: str) -> int:
    """Print the health of every live object in FILES (YAML or JSON with a status; - is standard input).

    No daemon and no cluster is asked: `kubectl get pods -o yaml | gitopsd health -` judges as the daemon would. An
    object whose kind has no health of its own has status null.
    """
    from gitopsd.offline.health import told

    healths = told([(file, _read(file)) for file in files], config, checks)
    if form == "table":
        rows = [
            (
                one.kind,
                one.namespace,
                one.name,
                *((one.health.status.value, one.health.message) if one.health else "--"),
            )
            for one in healths
        ]
        print_table(COLUMNS, rows)
        return Exit.OK
    told_of = [
        {
            "kind": one.kind,
            "namespace": one.namespace,
            "name": one.name,
            "status": one.health.status.value if one.health else None,
            "message": one.health.message if one.health else "its kind has no health of its own",
        }
        for one in healths
    ]
    print_data(told_of, form)
    return Exit.OK


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    with click.open_file(file, "rb") as opened:
        data: bytes = opened.read()
    return data

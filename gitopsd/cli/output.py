"""What a command prints: a table on a terminal, plain lines in a pipe, JSON or YAML for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

FORMATS = ("table", "json", "yaml")

# What a terminal could take for an order to itself; the daemon's answers carry text from Git and from clusters.
_CONTROL = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
_CONTROL_IN_BLOCK = {code: sign for code, sign in _CONTROL.items() if chr(code) not in "\n\t"}


def line(text: object) -> str:
    """Return `text` as one line that a terminal shows as it is."""
    return str(text).replace("\n", " ").translate(_CONTROL)


def block(text: str) -> str:
    """Return `text`, of several lines, as a terminal shows it as it is."""
    return text.translate(_CONTROL_IN_BLOCK)


def print_data(value: Any, form: str) -> None:
    """Print `value` as JSON, or as YAML where `form` says so."""
    if form == "yaml":
        click.echo(as_yaml(value), nl=False)
    else:
        click.echo(json.dumps(value, indent=2))


def as_yaml(value: Any) -> str:
    """Return `value` as a YAML document; keys keep their order."""
    import yaml

    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return text


def warn_of_stale(answer: Mapping[str, Any]) -> None:
    """Say on standard error that an answer of the API rests on what is too old, where it does."""
    for reason in (answer.get("gitopsd") or {}).get("stale") or ():
        click.secho(line(f"stale: {reason}"), fg="magenta", err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under columns: drawn on a terminal, else one line a row, tabs between the cells."""
    texts = [[line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in ([name.upper() for name in columns], *texts):
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        drawn.add_column(name.upper(), overflow="fold")
    for row in texts:
        drawn.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console().print(drawn)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print `name: value` lines, aligned; what has no value is left out."""
    rows = [(name, line(value)) for name, value in facts if value not in (None, "")]
    width = max((len(name) for name, _ in rows), default=0) + 1
    for name, value in rows:
        click.echo(f"{name + ':':<{width}}  {value}")


_STYLES = {
    "Synced": "green",
    "Healthy": "green",
    "Succeeded": "green",
    "OutOfSync": "yellow",
    "Progressing": "blue",
    "Running": "blue",
    "Suspended": "blue",
    "Missing": "yellow",
    "Degraded": "red",
    "Failed": "red",
    "Error": "red",
    "Unknown": "magenta",
    "Stale": "magenta",
}

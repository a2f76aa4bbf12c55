"""`gitopsd check`."""

from __future__ import annotations

from pathlib import Path

import click

from gitopsd.cli.exits import Exit
from gitopsd.cli.output import line


@click.command("check")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    envvar="GITOPSD_CONFIG",
    show_envvar=True,
    help="The settings file.",
)
def command(config: Path) -> int:
    """Read settings and declarations and print every error: file, line, what is wrong, what to do.

    Exit code 0 where there is none, else 2.
    """
    from gitopsd.offline.check import faults

    problems = faults(config)
    for problem in problems:
        click.echo(line(problem))
    if problems:
        return Exit.USAGE
    click.echo(f"{config}: no problem found")
    return Exit.OK

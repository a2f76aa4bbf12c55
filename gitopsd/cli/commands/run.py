"""`gitopsd run`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("run")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    envvar="GITOPSD_CONFIG",
    show_envvar=True,
    help="The settings file.",
)
def command(config: Path) -> int:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP makes it read its settings again."""
    from gitopsd.daemon import main

    return main(config)

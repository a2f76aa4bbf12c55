"""`gitopsd completion`."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from gitopsd.cli.exits import HELP

_CLASSES: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
VARIABLE = "_GITOPSD_COMPLETE"


@click.command("completion", epilog=HELP)
@click.argument("shell", type=click.Choice(tuple(_CLASSES)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what has a shell complete commands, and names that the daemon knows.

    For bash: source <(gitopsd completion bash)
    """
    made = _CLASSES[shell]
    click.echo(made(ctx.find_root().command, {}, "gitopsd", VARIABLE).source())

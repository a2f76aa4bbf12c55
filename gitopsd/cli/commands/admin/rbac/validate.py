"""`gitopsd admin rbac validate`."""

from __future__ import annotations

from pathlib import Path

import click

from gitopsd.cli.commands.admin.rbac import policy_options
from gitopsd.cli.exits import Exit
from gitopsd.cli.output import line


@click.command("validate")
@policy_options
def command(policy_file: Path | None, config: Path | None) -> int:
    """Print what keeps a policy from being used, and what in it does not do what it seems to, by line.

    Exit code 0 where it can be used, else 1.
    """
    from gitopsd.errors import InvalidPolicy
    from gitopsd.offline.rbac import configured, faults

    try:
        problems = faults(configured(policy_file, config))
    except InvalidPolicy as err:
        click.echo(f"gitopsd: {err}", err=True)
        return Exit.NO
    for problem in problems:
        click.echo(line(problem if problem.severe else f"warning: {problem}"))
    if any(problem.severe for problem in problems):
        click.echo("The policy cannot be used.")
        return Exit.NO
    click.echo("The policy is valid.")
    return Exit.OK

"""`gitopsd admin rbac can`."""

from __future__ import annotations

from pathlib import Path

import click

from gitopsd.cli.commands.admin.rbac import policy_options
from gitopsd.cli.exits import Exit
from gitopsd.cli.output import line


@click.command("can")
@click.argument("role")
@click.argument("action")
@click.argument("resource")
@click.argument("object_", metavar="[OBJECT]", default="")
@policy_options
@click.option("--default-role", default="", help="The default role, instead of the policy's own.")
@click.option(
    "--use-builtin-policy/--no-use-builtin-policy", default=True, help="With role:readonly and role:admin, or without."
)
@click.option("--strict/--no-strict", default=True, help="Refuse a resource or an action that there is not.")
@click.option("--explain", is_flag=True, help="Name the line that decides.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
def command(  # noqa: PLR0917 - the arguments of a command are positional
    role: str,
    action: str,
    resource: str,
    object_: str,
    policy_file: Path | None,
    config: Path | None,
    default_role: str,
    use_builtin_policy: bool,  # noqa: FBT001
    strict: bool,  # noqa: FBT001
    explain: bool,  # noqa: FBT001
    quiet: bool,  # noqa: FBT001
) -> int:
    """Tell whether ROLE, a role, a user or a group, may do ACTION to OBJECT of RESOURCE: Yes and 0, or No and 1.

    RESOURCE may be written short, as `app`. Without OBJECT, all of them are meant. Roles of projects have here what the
    policy itself gives them. A policy that cannot be used is a 1, too.
    """
    from gitopsd.errors import InvalidPolicy
    from gitopsd.offline.rbac import can, configured

    try:
        answer = can(
            configured(policy_file, config),
            (role, resource, action, object_),
            default_role=default_role,
            with_builtin=use_builtin_policy,
            strict=strict,
        )
    except InvalidPolicy as err:
        click.echo(f"gitopsd: {err}", err=True)
        return Exit.NO
    if not quiet:
        click.echo("Yes" if answer.explanation.allowed else "No")
        if explain:
            click.echo(line(answer.explanation))
        if answer.warning:
            click.echo(line(answer.warning), err=True)
    return Exit.OK if answer.explanation.allowed else Exit.NO

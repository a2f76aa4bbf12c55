"""`gitopsd admin rbac`: what a policy of rights says, before or while a daemon goes by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gitopsd.cli.lazy import LazyCommand, LazyGroup

F = TypeVar("F", bound=Callable[..., Any])
VERBS = {
    "can": LazyCommand("gitopsd.cli.commands.admin.rbac.can", "Tell whether somebody may do something."),
    "validate": LazyCommand("gitopsd.cli.commands.admin.rbac.validate", "Print what is wrong with a policy."),
}


@click.group("rbac", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Try and check the policy of rights: that of the settings, or a file with CSV or Argo CD's ConfigMap."""


def policy_options(function: F) -> F:
    """Add `--policy-file` and `--config`, of which one is given."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    function = click.option(
        "--config",
        type=file,
        envvar="GITOPSD_CONFIG",
        show_envvar=True,
        help="The settings whose policy is meant.",
    )(function)
    return click.option("--policy-file", type=file, help="A file with CSV, or the ConfigMap argocd-rbac-cm.")(function)

"""docs/cli.md says what the program does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from gitopsd.cli.commands.account import VERBS as ACCOUNT_VERBS
from gitopsd.cli.commands.admin.rbac import VERBS as RBAC_VERBS
from gitopsd.cli.commands.app import VERBS as APP_VERBS
from gitopsd.cli.commands.audit import VERBS as AUDIT_VERBS
from gitopsd.cli.commands.cluster import VERBS as CLUSTER_VERBS
from gitopsd.cli.commands.proj import VERBS as PROJ_VERBS
from gitopsd.cli.exits import HELP, Exit
from gitopsd.cli.lazy import LazyGroup
from gitopsd.cli.main import VERBS, root

TEXT = (Path(__file__).parents[2] / "docs/cli.md").read_text()
COMMON = {
    "--server",
    "--context",
    "--auth-token-file",
    "--ca-file",
    "--insecure",
    "--request-timeout",
    "--output",
    "--help",
}


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(root)
    top = [(name, root.get_command(context, name)) for name in VERBS]
    app = dict(top)["app"]
    assert isinstance(app, LazyGroup)
    below = [(f"app {name}", app.get_command(context, name)) for name in APP_VERBS]
    named = [
        (f"{group} {name}", importlib.import_module(verb.module).command)
        for group, verbs in (
            ("admin rbac", RBAC_VERBS),
            ("account", ACCOUNT_VERBS),
            ("audit", AUDIT_VERBS),
            ("cluster", CLUSTER_VERBS),
            ("proj", PROJ_VERBS),
        )
        for name, verb in verbs.items()
    ]
    groups = {"account", "admin", "audit", "app", "cluster", "proj"}
    return [(name, command) for name, command in (*top, *below, *named) if command and name not in groups]


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_option_of_every_command_is_in_the_document(name: str, command: click.Command) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith((f"| `{name} ", f"| `{name}`"))]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}

    assert rows
    assert set() == {option for option in options - COMMON if option not in rows[0]}


def test_exit_codes_are_the_same_everywhere() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    helped = {int(code) for code in re.findall(r"^  (\d+) ", HELP, re.MULTILINE)}

    assert {code.value for code in Exit} == documented == helped


@pytest.mark.parametrize("option", sorted(COMMON - {"--output", "--help"}))
def test_options_that_commands_share_are_in_the_document(option: str) -> None:
    assert f"`{option}" in TEXT

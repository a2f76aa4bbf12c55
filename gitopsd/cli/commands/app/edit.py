"""`gitopsd app edit`."""

from __future__ import annotations

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, DaemonRefused, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import verb
from gitopsd.cli.output import as_yaml, line

_COMMENT = "# {}\n"


@verb("edit")
@completing.application
def command(client: DaemonClient, name: str) -> int:
    """Change the spec of an application that is declared by the API, in $EDITOR; what is refused comes back."""
    import yaml

    before = as_yaml(client.get(application_path(name))["spec"])
    said, text = f"The spec of {name}. Without a change, nothing is done.", before
    while True:
        edited = click.edit(_COMMENT.format(line(said)) + text, extension=".yaml")
        text = (
            ""
            if edited is None
            else "".join(one for one in edited.splitlines(keepends=True) if not one.startswith("#"))
        )
        if not text.strip() or text == before:
            click.echo(f"application {name} is not changed")
            return Exit.OK
        try:
            client.send("PUT", application_path(name, "spec"), yaml.safe_load(text))
        except (yaml.YAMLError, DaemonRefused) as err:
            said, before = f"It was not taken: {err}", text  # the same once more ends it
            continue
        click.echo(f"application {name} is changed")
        return Exit.OK

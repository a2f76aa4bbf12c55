"""`gitopsd proj list`."""

from __future__ import annotations

from typing import Any

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("name", "description", "destinations", "sources", "roles", "windows")


@verb("list")
@output
def command(client: DaemonClient, *, form: str) -> None:
    """List projects, and what each one permits."""
    answer = client.get("/api/v1/projects")
    if form != "table":
        print_data(answer, form)
        return
    print_table(COLUMNS, (_row(project) for project in answer.get("items") or ()))


def _row(project: dict[str, Any]) -> tuple[object, ...]:
    spec = project.get("spec") or {}
    return (
        status.name(project),
        spec.get("description", ""),
        ", ".join(map(destination, spec.get("destinations") or ())),
        ", ".join(spec.get("sourceRepos") or ()),
        len(spec.get("roles") or ()),
        len(spec.get("syncWindows") or ()),
    )


def destination(value: dict[str, Any]) -> str:
    """Return a permitted destination as cluster/namespace."""
    return f"{value.get('name') or value.get('server') or '*'}/{value.get('namespace') or '*'}"

"""Names that a daemon knows, for the shell to complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import client_of
from gitopsd.errors import GitopsError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PATIENCE_S = 2.0  # of somebody who has pressed Tab

Completed = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def names_of(path: str, query: dict[str, str], name_in: Callable[[dict[str, Any]], str]) -> Completed:
    """Return what completes a name by those of the list at `path`; nothing where the daemon does not answer."""

    def complete(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        try:
            client: DaemonClient = client_of(ctx.params, request_s=PATIENCE_S)
            items = client.get(path, query).get("items") or ()
        except (GitopsError, OSError):
            return []
        return [CompletionItem(name) for name in sorted(map(name_in, items)) if name.startswith(begun)]

    return complete


def _metadata_name(item: dict[str, Any]) -> str:
    return str(item["metadata"]["name"])


_APPLICATIONS = names_of("/api/v1/applications", {"fields": "items.metadata.name"}, _metadata_name)

application = click.argument("name", shell_complete=_APPLICATIONS)
applications = click.argument("names", nargs=-1, required=True, shell_complete=_APPLICATIONS)
cluster = click.argument("name", shell_complete=names_of("/api/v1/clusters", {}, lambda item: str(item["name"])))
project = click.argument("name", shell_complete=names_of("/api/v1/projects", {}, _metadata_name))

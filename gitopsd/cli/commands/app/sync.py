"""`gitopsd app sync`."""

from __future__ import annotations

from typing import Any

import click

from gitopsd.cli.client import Client
from gitopsd.cli.exits import Exit
from gitopsd.cli.operations import order, report
from gitopsd.cli.options import verb

PARTS = 3  # of GROUP:KIND:NAME


@verb("sync")
@click.argument("names", nargs=-1, required=True)
@click.option("--revision", default="", help="To this commit instead of the one resolved now.")
@click.option("--prune", is_flag=True, help="Delete what is no longer in Git.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, write nothing.")
@click.option("--resource", "resources", multiple=True, metavar="GROUP:KIND:[NAMESPACE/]NAME", help="Only this object.")
@click.option("--async", "at_once", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=300.0, show_default=True,
              metavar="SECONDS", help="How long to wait for the end; 0 is for ever.")  # fmt: skip
def command(
    client: Client,
    names: tuple[str, ...],
    *,
    revision: str,
    prune: bool,
    dry_run: bool,
    resources: tuple[str, ...],
    at_once: bool,
    timeout_s: float,
) -> int:
    """Make live equal target, and wait for the end.

    Exit code 1 where the sync failed or is not over in time.
    """
    body: dict[str, Any] = {"prune": prune, "dryRun": dry_run}
    if revision:
        body["revision"] = revision
    if resources:
        body["resources"] = [resource_of(text) for text in resources]
    ordered = [(name, order(client, name, "sync", body)) for name in names]
    if at_once:
        for name, _ in ordered:
            click.echo(f"{name}: the sync is ordered")
        return Exit.OK
    succeeded = [report(client, name, before, timeout_s=timeout_s) for name, before in ordered]
    return Exit.OK if all(succeeded) else Exit.NO


def resource_of(text: str) -> dict[str, str]:
    """Return the API's form of `GROUP:KIND:[NAMESPACE/]NAME`.

    Raises:
        click.BadParameter: it has not three parts, or no kind or name.
    """
    parts = text.split(":", PARTS - 1)
    if len(parts) != PARTS or not parts[1] or not parts[2]:
        raise click.BadParameter(
            f"{text!r} is not GROUP:KIND:[NAMESPACE/]NAME, such as apps:Deployment:shop/web or :ConfigMap:web"
        )
    namespace, _, name = parts[2].rpartition("/")
    found = {"group": parts[0], "kind": parts[1], "name": name}
    return {**found, "namespace": namespace} if namespace else found

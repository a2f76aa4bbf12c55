"""`gitopsd app sync`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from gitopsd.cli import completing
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.operations import order, report
from gitopsd.cli.options import verb
from gitopsd.errors import NotFound

PARTS = 3  # of GROUP:KIND:NAME


@verb("sync")
@completing.applications
@click.option("--revision", default="", help="To this commit instead of the one resolved now.")
@click.option("--prune", is_flag=True, help="Delete what is no longer in Git.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, write nothing.")
@click.option("--resource", "resources", multiple=True, metavar="GROUP:KIND:[NAMESPACE/]NAME", help="Only this object.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Only objects that have this label.")
@click.option(
    "--strategy", type=click.Choice(("hook", "apply")), default="hook", show_default=True, help="apply runs no hooks."
)
@click.option("--force", is_flag=True, help="Delete and make anew what has a field that cannot change.")
@click.option("--sync-option", "options", multiple=True, metavar="NAME=VALUE", help="For this sync alone.")
@click.option("--async", "at_once", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=300.0, show_default=True,
              metavar="SECONDS", help="How long to wait for the end; 0 is for ever.")  # fmt: skip
def command(
    client: DaemonClient,
    names: tuple[str, ...],
    *,
    revision: str,
    prune: bool,
    dry_run: bool,
    resources: tuple[str, ...],
    labels: tuple[str, ...],
    strategy: str,
    force: bool,
    options: tuple[str, ...],
    at_once: bool,
    timeout_s: float,
) -> int:
    """Make live equal target, and wait for the end.

    Exit code 1 where the sync failed or is not over in time.
    """
    body: dict[str, Any] = {"prune": prune, "dryRun": dry_run}
    if strategy != "hook" or force:
        body["strategy"] = {strategy: {"force": force}}
    if options:
        body["syncOptions"] = {"items": list(options)}
    if revision:
        body["revision"] = revision
    if resources:
        body["resources"] = [resource_of(text) for text in resources]
    bodies = {name: _with_labels(client, name, body, labels, revision) if labels else body for name in names}
    ordered = [(name, order(client, name, "sync", bodies[name])) for name in names]
    if at_once:
        for name, _ in ordered:
            click.echo(f"{name}: the sync is ordered")
        return Exit.OK
    succeeded = [report(client, name, before, timeout_s=timeout_s) for name, before in ordered]
    return Exit.OK if all(succeeded) else Exit.NO


def _with_labels(
    client: DaemonClient, name: str, body: dict[str, Any], labels: tuple[str, ...], revision: str
) -> dict[str, Any]:
    """Return `body` for the objects in Git alone that have all `labels`.

    Raises:
        NotFound: none has them; without one, the order would be for all.
    """
    pairs = dict(text.split("=", 1) for text in labels if "=" in text)
    if len(pairs) < len(labels):
        raise click.BadParameter("a label is written as NAME=VALUE", param_hint="--label")
    answer = client.get(application_path(name, "manifests"), {"revision": revision} if revision else {})
    manifests = [json.loads(text) for text in answer.get("manifests") or ()]
    matching = [
        _resource(manifest)
        for manifest in manifests
        if pairs.items() <= (manifest["metadata"].get("labels") or {}).items()
    ]
    if not matching:
        raise NotFound(f"no object of {name} has the labels {', '.join(labels)}", remedy="see `gitopsd app manifests`")
    return {**body, "resources": [*body.get("resources", ()), *matching]}


def _resource(manifest: Mapping[str, Any]) -> dict[str, str]:
    group, _, _ = manifest["apiVersion"].rpartition("/")
    meta = manifest["metadata"]
    resource = {"group": group, "kind": manifest["kind"], "name": meta["name"]}
    return {**resource, "namespace": meta["namespace"]} if meta.get("namespace") else resource


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
    resource = {"group": parts[0], "kind": parts[1], "name": name}
    return {**resource, "namespace": namespace} if namespace else resource

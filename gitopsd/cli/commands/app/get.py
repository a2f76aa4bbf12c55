"""`gitopsd app get`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import block, print_data, print_facts, print_table


@verb("get")
@completing.application
@click.option("--refresh", is_flag=True, help="Compare again first.")
@click.option("--hard-refresh", is_flag=True, help="As --refresh, and render anew.")
@output
def command(client: DaemonClient, name: str, *, refresh: bool, hard_refresh: bool, form: str) -> None:
    """Show one application: what it is, where it goes, its sync status and why, its health, its objects."""
    query = {"refresh": "hard" if hard_refresh else "normal"} if refresh or hard_refresh else {}
    app = client.get(application_path(name), query)
    if form == "table":
        show(app)
    else:
        print_data(app, form)


def show(app: status.App) -> None:
    """Print an application for a person to read."""
    print_facts(_facts(app))
    for condition in status.conditions(app):
        click.echo(block(f"\n{condition.get('type')}: {condition.get('message')}"))
    if evidence := status.evidence(app):
        click.echo(block("\n" + "\n".join(evidence)))
    resources = status.resources(app)
    if resources:
        click.echo()
        print_table(("kind", "name", "sync", "health", "message"), (_row(resource) for resource in resources))


def _facts(app: status.App) -> Iterator[tuple[str, object]]:
    yield "Name", status.name(app)
    yield "Project", status.at(app, "spec", "project")
    for source, revision in _sources(app):
        yield "Source", f"{source.get('repoURL')} {source.get('chart') or source.get('path') or '.'}"
        yield "Revision", f"{source.get('targetRevision') or 'HEAD'} ({status.short(revision) or 'not resolved'})"
    yield "Cluster", status.destination(app)
    yield "Namespace", status.namespace(app)
    yield "Sync policy", _policy(app)
    deletion = status.at(app, "metadata", "deletionTimestamp")
    yield "Deletion", f"with its objects, asked for: {deletion}" if deletion else ""
    yield "Sync", _with(status.sync(app), status.why_not_synced(app))
    extra = status.at(app, "status", "gitopsd", "extra")
    yield "Beside Git", f"{extra} fields that were added: see gitopsd app diff --extra" if extra else ""
    yield "Health", _with(status.health(app), status.at(app, "status", "health", "message"))
    operation = status.operation(app)
    yield "Operation", _with(status.phase(app), operation.get("message"))
    yield "Waiting", status.at(app, "status", "gitopsd", "waiting")
    yield "Next try", status.at(app, "status", "gitopsd", "failing", "nextTryAt")
    yield "Progress", status.progress(app)
    yield "Started", operation.get("startedAt")
    yield "Finished", operation.get("finishedAt")
    yield "Known", ", ".join(_ages(app))
    yield "Compared at", status.at(app, "status", "reconciledAt")


def _ages(app: status.App) -> Iterator[str]:
    for what, name in (("Git", "epochAgeSeconds"), ("the cluster", "watchAgeSeconds")):
        age_s = status.at(app, "status", "gitopsd", name)
        if age_s is not None:
            yield f"{what} as of {status.lasting(float(age_s))} ago"


def _sources(app: status.App) -> Iterator[tuple[Any, str]]:
    revisions = status.revisions(app)
    for index, source in enumerate(status.sources(app)):
        yield source, revisions[index] if index < len(revisions) else ""


def _policy(app: status.App) -> str:
    automated = status.at(app, "spec", "syncPolicy", "automated")
    if automated is None or automated.get("enabled") is False:
        return "by hand"
    extras = [word for word, key in (("prune", "prune"), ("self-heal", "selfHeal")) if automated.get(key)]
    return "automated" + (f" with {' and '.join(extras)}" if extras else "")


def _with(word: str, detail: object) -> str:
    return f"{word}: {detail}" if detail and word else word


def _row(resource: Any) -> tuple[str, ...]:
    note = "to be pruned" if resource.get("requiresPruning") else ""
    message = resource.get("reason") or status.at(resource, "health", "message") or note
    return (
        status.resource_kind(resource),
        status.resource_name(resource),
        str(resource.get("status") or ""),
        str(status.at(resource, "health", "status") or ""),
        str(message),
    )

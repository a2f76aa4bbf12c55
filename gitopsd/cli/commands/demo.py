"""`gitopsd demo`, and what one does to a running demo by hand."""

from __future__ import annotations

from pathlib import Path

import click

_DIRECTORY = click.option(
    "--dir", "directory", type=click.Path(file_okay=False, path_type=Path), help="Of the demo; needed if two run."
)


@click.group("demo", invoke_without_command=True)
@click.option("--clusters", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--apps", type=click.IntRange(1, 10_000), default=6, show_default=True)
@click.option(
    "--port", type=click.IntRange(1, 65_534), default=8080, show_default=True, help="API; probes at PORT + 1."
)
@click.option(
    "--dir", "directory", type=click.Path(file_okay=False, path_type=Path), help="Kept; must be new or empty."
)
@click.option("--exercise", is_flag=True, help="Edit, delete and commit by itself, print the times, and end.")
@click.pass_context
def command(
    ctx: click.Context, *, clusters: int, apps: int, port: int, directory: Path | None, exercise: bool
) -> int | None:
    """Show the main job on simulated clusters, a fleet repository on loopback and a plain daemon, until Ctrl-C."""
    if ctx.invoked_subcommand is not None:
        return None
    from gitopsd.demo.run import DemoOptions, main

    return main(DemoOptions(clusters, apps, port, directory, exercise))


@command.command("edit")
@click.argument("app")
@click.option("--replicas", type=click.IntRange(0, 1000), required=True)
@_DIRECTORY
def edit(app: str, *, replicas: int, directory: Path | None) -> None:
    """Set the replicas of APP's Deployment in its cluster, behind gitopsd's back."""
    from gitopsd.demo import hand

    cluster = hand.edit(app, replicas, directory)
    click.echo(f"{app} in {cluster}: replicas set to {replicas}")


@command.command("delete")
@click.argument("app")
@click.option("--kind", type=click.Choice(("Deployment", "Service", "ConfigMap")), default="Service", show_default=True)
@_DIRECTORY
def delete(app: str, *, kind: str, directory: Path | None) -> None:
    """Delete one object of APP in its cluster, behind gitopsd's back."""
    from gitopsd.demo import hand

    cluster = hand.delete(app, kind, directory)
    click.echo(f"{app} in {cluster}: its {kind} is deleted")

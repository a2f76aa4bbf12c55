"""`gitopsd repo`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gitopsd.cli import options
from gitopsd.cli.exits import HELP, Exit
from gitopsd.cli.output import line, print_data, print_facts


@click.group("repo", epilog=HELP)
def command() -> None:
    """Look at repositories from here, without a daemon."""


@command.command("check")
@click.argument("url")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="GITOPSD_CONFIG",
    show_envvar=True,
    help="The settings file whose credentials are used, those of Secrets beside its declarations too.",
)
@click.option("--revision", default="", help="Tell what this branch, tag, version, range of versions or digest is.")
@click.option("--chart", default="", help="URL is a chart repository or a registry: ask it for this chart.")
@options.output
def check(url: str, config: Path | None, revision: str, chart: str, form: str) -> int:
    """Ask the repository, chart repository or registry at URL for its refs, as the daemon would.

    Tells which credentials are used, never what they are; the default branch, and how many refs there are.
    """
    from gitopsd.offline.repo_check import told

    report = told(url, config, revision, chart)
    for warning in report.warnings:
        click.echo(line(f"warning: {warning}"), err=True)
    if form != "table":
        print_data({"url": report.url, "credentials": report.credentials, **asdict(report.answer)}, form)
        return Exit.OK
    answer = report.answer
    print_facts(
        [
            ("URL", report.url),
            ("Credentials", report.credentials),
            ("Answered in", f"{answer.seconds:.2f} s"),
            ("Default", answer.default),
            ("Refs", ", ".join(f"{count} {name}" for name, count in answer.counts.items())),
            ("Revision", f"{revision or ('*' if chart else 'HEAD')} is {answer.revision}" if answer.revision else ""),
        ]
    )
    return Exit.OK

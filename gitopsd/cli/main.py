"""The table of verbs, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from gitopsd.cli.exits import HELP, Exit, exit_of
from gitopsd.cli.lazy import LazyCommand, LazyGroup
from gitopsd.errors import GitopsError

VERBS = {
    "run": LazyCommand("gitopsd.cli.commands.run", "Run the daemon."),
    "check": LazyCommand("gitopsd.cli.commands.check", "Read settings and declarations, print every error at once."),
    "render": LazyCommand(
        "gitopsd.cli.commands.render", "Render applications from files, without a daemon or a cluster."
    ),
    "health": LazyCommand("gitopsd.cli.commands.health", "Print how well the objects of files do, by their status."),
    "repo": LazyCommand("gitopsd.cli.commands.repo", "Check from here whether a repository or registry lets us in."),
    "demo": LazyCommand("gitopsd.cli.commands.demo", "Show the main job on simulated clusters."),
    "app": LazyCommand("gitopsd.cli.commands.app", "Ask a running daemon about applications, or order a sync."),
    "cluster": LazyCommand("gitopsd.cli.commands.cluster", "Ask a running daemon about clusters."),
    "proj": LazyCommand("gitopsd.cli.commands.proj", "Ask a running daemon about projects."),
    "drift": LazyCommand("gitopsd.cli.commands.drift", "Ask what was changed in clusters behind Git's back."),
    "admin": LazyCommand("gitopsd.cli.commands.admin", "Try and check the policy of rights, without a daemon."),
    "login": LazyCommand("gitopsd.cli.commands.login", "Log in to a daemon, and ask it from now on."),
    "logout": LazyCommand("gitopsd.cli.commands.logout", "End a session."),
    "context": LazyCommand("gitopsd.cli.commands.context", "List or choose the daemons that one is logged in to."),
    "account": LazyCommand("gitopsd.cli.commands.account", "Ask a running daemon about accounts, or change them."),
    "audit": LazyCommand("gitopsd.cli.commands.audit", "Ask who did what through the API."),
    "completion": LazyCommand("gitopsd.cli.commands.completion", "Print what has a shell complete commands and names."),
    "version": LazyCommand("gitopsd.cli.commands.version", "Print the version, and the daemon's."),
}


@click.group(cls=LazyGroup, verbs=VERBS, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"]})
def root() -> None:
    """Git says what should be, the clusters say what is; gitopsd brings live to target."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are those of the process unless given."""
    try:
        result = root.main(arguments, prog_name="gitopsd", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as err:
        err.show()
        return err.exit_code
    except GitopsError as err:
        click.echo(f"gitopsd: {err}", err=True)
        return exit_of(err)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted. Python would complain once more when it closes stdout.
        sys.stderr.close()
        return Exit.OK
    return result if isinstance(result, int) else Exit.OK

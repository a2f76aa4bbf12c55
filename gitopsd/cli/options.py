"""The options that commands share: which daemon, which form of output."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from gitopsd.cli.client import DaemonAddress, DaemonClient
from gitopsd.cli.exits import HELP
from gitopsd.cli.output import FORMATS
from gitopsd.errors import InvalidSettings

DEFAULT_SERVER = "http://127.0.0.1:8080"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Command = Callable[..., Any]

output = click.option("-o", "--output", "form", type=click.Choice(FORMATS), default="table", show_default=True)

_DAEMON = (
    click.option(
        "--server", envvar="GITOPSD_SERVER", default=DEFAULT_SERVER, show_default=True, show_envvar=True, metavar="URL"
    ),
    click.option(
        "--auth-token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with the bearer token; else GITOPSD_AUTH_TOKEN holds it.",
    ),
    click.option("--ca-file", envvar="GITOPSD_CA_FILE", type=click.Path(path_type=Path), show_envvar=True),
    click.option("--insecure", is_flag=True, help="Do not check the daemon's certificate."),
    click.option(
        "--request-timeout",
        "request_s",
        type=click.FloatRange(min=0.1),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
    ),
)


def verb(name: str) -> Callable[[Command], click.Command]:
    """Make a click command whose first parameter is the `DaemonClient` that the common options name."""

    def make(function: Command) -> click.Command:
        @functools.wraps(function)
        def run(
            *, server: str, auth_token_file: Path | None, ca_file: Path | None, insecure: bool, request_s: float,
            **rest: Any,
        ) -> Any:  # fmt: skip
            token = _token(auth_token_file)
            client = DaemonClient(DaemonAddress(server, token, ca_file, insecure, request_s))
            if token:
                _warn_of_clear_text(server)
            return function(client, **rest)

        decorated: Command = run
        for option in reversed(_DAEMON):
            decorated = option(decorated)
        return click.command(name, epilog=HELP)(decorated)

    return make


def _token(file: Path | None) -> str:
    import os

    text = file.read_text() if file else os.environ.get("GITOPSD_AUTH_TOKEN", "")
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidSettings(
            f"the token of {file or 'GITOPSD_AUTH_TOKEN'} is not one line of plain characters",
            remedy="copy the token again, and nothing else with it",
        )
    return token


def _warn_of_clear_text(server: str) -> None:
    parts = urlsplit(server)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        click.echo(f"gitopsd: warning: the token goes to {server} in the clear; use https", err=True)

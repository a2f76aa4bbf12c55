"""The options that commands share: which daemon, which form of output."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from gitopsd.cli.client import DaemonAddress, DaemonClient
from gitopsd.cli.contexts import Contexts, ServerContext, read_contexts, write_contexts
from gitopsd.cli.exits import HELP
from gitopsd.cli.output import FORMATS
from gitopsd.errors import InvalidSettings

DEFAULT_SERVER = "http://127.0.0.1:8080"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Command = Callable[..., Any]

output = click.option("-o", "--output", "form", type=click.Choice(FORMATS), default="table", show_default=True)

_DAEMON = (
    click.option(
        "--server",
        envvar="GITOPSD_SERVER",
        show_envvar=True,
        metavar="URL",
        help=f"Unless given, that of the context, else {DEFAULT_SERVER}.",
    ),
    click.option("--context", envvar="GITOPSD_CONTEXT", show_envvar=True, help="One of `gitopsd context`."),
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

_NAMES = frozenset(("server", "context", "auth_token_file", "ca_file", "insecure", "request_s"))


def verb(name: str) -> Callable[[Command], click.Command]:
    """Make a click command whose first parameter is the `DaemonClient` that the common options name."""

    def make(function: Command) -> click.Command:
        @functools.wraps(function)
        def run(**parameters: Any) -> Any:
            client = client_of(parameters)
            return function(client, **{name: value for name, value in parameters.items() if name not in _NAMES})

        decorated: Command = run
        for option in reversed(_DAEMON):
            decorated = option(decorated)
        return click.command(name, epilog=HELP)(decorated)

    return make


def client_of(parameters: Mapping[str, Any], *, request_s: float | None = None) -> DaemonClient:
    """Return the client of the daemon that the common options among `parameters` name."""
    known = _context(parameters.get("server"), parameters.get("context"))
    ca_file = parameters.get("ca_file") or (Path(known.ca_file) if known.ca_file else None)
    address = DaemonAddress(
        known.server,
        _token(parameters.get("auth_token_file")) or known.token,
        ca_file,
        bool(parameters.get("insecure")) or known.insecure,
        request_s or parameters["request_s"],
    )
    client = DaemonClient(address)
    if address.token:
        warn_of_clear_text(address.url)
    return client


def _context(server: str | None, name: str | None) -> ServerContext:
    """Return which daemon is asked: the token of a context goes to the server of that context, and nowhere else."""
    contexts = read_contexts()
    known = contexts.named(name) if name else contexts.by_name.get(contexts.current)
    if known is not None and server in (None, known.server):
        return _refreshed(contexts, known)
    return ServerContext(server or DEFAULT_SERVER)


def _refreshed(contexts: Contexts, known: ServerContext) -> ServerContext:
    """Return a context with a token that holds, where it is of a provider that gives another one."""
    if not known.refresh_token:
        return known
    from gitopsd.cli.sso import SignOnClient, ends_soon

    if not ends_soon(known.token):
        return known
    tokens = SignOnClient.at(known.issuer, known.client_id).refreshed(known.refresh_token)
    fresh = replace(known, token=tokens.id_token, refresh_token=tokens.refresh_token)
    name = next(name for name, context in contexts.by_name.items() if context is known)
    write_contexts(contexts.put(name, fresh))
    return fresh


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


def warn_of_clear_text(server: str) -> None:
    """Say so where a token or a password would go to another machine without TLS."""
    parts = urlsplit(server)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        click.echo(f"gitopsd: warning: the token goes to {server} in the clear; use https", err=True)

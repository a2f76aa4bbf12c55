"""`gitopsd login`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from gitopsd.cli.client import DaemonAddress, DaemonClient
from gitopsd.cli.contexts import Contexts, ServerContext, read_contexts, write_contexts
from gitopsd.cli.exits import HELP
from gitopsd.cli.options import warn_of_clear_text
from gitopsd.cli.output import line
from gitopsd.errors import NotAuthenticated

PASSWORD = "GITOPSD_PASSWORD"  # noqa: S105 - the name of a variable


@click.command("login", epilog=HELP)
@click.argument("server")
@click.option("--username", help="Account; asked for where it is not given.")
@click.option("--password", help=f"Better asked for, or in {PASSWORD}: others of the machine see command lines.")
@click.option("--sso", is_flag=True, help="By single sign-on, in a browser of this machine.")
@click.option("--device", is_flag=True, help="By single sign-on, in a browser anywhere.")
@click.option("--sso-port", default=8085, show_default=True, help="Where the browser comes back to.")
@click.option("--no-browser", is_flag=True, help="Print the URL alone.")
@click.option("--name", help="Of the context; the server's host unless given.")
@click.option("--ca-file", envvar="GITOPSD_CA_FILE", type=click.Path(path_type=Path), show_envvar=True)
@click.option("--insecure", is_flag=True, help="Do not check the daemon's certificate.")
@click.option("--plaintext", is_flag=True, help="HTTP without TLS, where the server is no URL.")
def command(
    server: str,
    *,
    username: str | None,
    password: str | None,
    sso: bool,
    device: bool,
    sso_port: int,
    no_browser: bool,
    name: str | None,
    ca_file: Path | None,
    insecure: bool,
    plaintext: bool,
) -> None:
    """Log in to the daemon at SERVER, and ask it from now on; SERVER is a URL, or host:port."""
    url = server if "://" in server else f"{'http' if plaintext else 'https'}://{server}"
    address = DaemonAddress(url, "", ca_file, insecure)
    warn_of_clear_text(url)
    if sso or device:
        context = _by_provider(address, None if device else sso_port, open_browser=not no_browser)
    else:
        context = _by_password(address, username, password)
    context = replace(context, ca_file=str(ca_file.absolute()) if ca_file else "", insecure=insecure)
    name = name or urlsplit(url).netloc
    contexts = read_contexts().put(name, context)
    write_contexts(Contexts(name, contexts.by_name))
    click.echo(line(f"{context.username} is logged in; context {name} is the current one"), err=True)


def _by_password(address: DaemonAddress, username: str | None, password: str | None) -> ServerContext:
    username = username or click.prompt("Username", err=True)
    password = password or os.environ.get(PASSWORD) or click.prompt("Password", hide_input=True, err=True)
    body = {"username": username, "password": password}
    return ServerContext(address.url, username, DaemonClient(address).send("POST", "/api/v1/session", body)["token"])


def _by_provider(address: DaemonAddress, port: int | None, *, open_browser: bool) -> ServerContext:
    """Log in at the provider that the daemon names, on a port of this machine or, without one, by the device flow."""
    from gitopsd.cli.sso import SignOnClient

    provider = SignOnClient.of(DaemonClient(address).get("/api/v1/settings"))

    def show(place: str, code: str = "") -> None:
        click.echo(f"Open {line(place)}" + (f"\nand see that it shows the code {line(code)}" if code else ""), err=True)
        if open_browser and not code:
            click.launch(place)

    tokens = provider.by_device(show) if port is None else provider.by_browser(port, show)
    who = DaemonClient(replace(address, token=tokens.id_token)).get("/api/v1/session/userinfo")
    if not who.get("loggedIn"):
        raise NotAuthenticated(
            "the daemon does not take the provider's token", remedy="see its log, and cliClientID in oidc.config"
        )
    return ServerContext(
        address.url,
        str(who.get("username")),
        tokens.id_token,
        issuer=provider.issuer,
        client_id=provider.client_id,
        refresh_token=tokens.refresh_token,
    )

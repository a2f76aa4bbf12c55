"""`gitopsd login`."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from gitopsd.cli.client import DaemonAddress, DaemonClient
from gitopsd.cli.contexts import Contexts, ServerContext, read_contexts, write_contexts
from gitopsd.cli.exits import HELP
from gitopsd.cli.options import warn_of_clear_text

PASSWORD = "GITOPSD_PASSWORD"  # noqa: S105 - the name of a variable


@click.command("login", epilog=HELP)
@click.argument("server")
@click.option("--username", help="Account; asked for where it is not given.")
@click.option("--password", help=f"Better asked for, or in {PASSWORD}: others of the machine see command lines.")
@click.option("--name", help="Of the context; the server's host unless given.")
@click.option("--ca-file", envvar="GITOPSD_CA_FILE", type=click.Path(path_type=Path), show_envvar=True)
@click.option("--insecure", is_flag=True, help="Do not check the daemon's certificate.")
@click.option("--plaintext", is_flag=True, help="HTTP without TLS, where the server is no URL.")
def command(
    server: str,
    *,
    username: str | None,
    password: str | None,
    name: str | None,
    ca_file: Path | None,
    insecure: bool,
    plaintext: bool,
) -> None:
    """Log in to the daemon at SERVER, and ask it from now on; SERVER is a URL, or host:port."""
    url = server if "://" in server else f"{'http' if plaintext else 'https'}://{server}"
    client = DaemonClient(DaemonAddress(url, "", ca_file, insecure))
    warn_of_clear_text(url)
    username = username or click.prompt("Username", err=True)
    password = password or os.environ.get(PASSWORD) or click.prompt("Password", hide_input=True, err=True)
    token = client.send("POST", "/api/v1/session", {"username": username, "password": password})["token"]
    context = ServerContext(url, username, token, str(ca_file.absolute()) if ca_file else "", insecure)
    name = name or urlsplit(url).netloc
    contexts = read_contexts().put(name, context)
    write_contexts(Contexts(name, contexts.by_name))
    click.echo(f"{username} is logged in; context {name} is the current one", err=True)

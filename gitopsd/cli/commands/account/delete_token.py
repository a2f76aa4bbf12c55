"""`gitopsd account delete-token`."""

from __future__ import annotations

from urllib.parse import quote

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.commands.account.names import account_of
from gitopsd.cli.options import verb


@verb("delete-token")
@click.argument("token_id", metavar="ID")
@click.option("--account", help="Whose token; one's own unless given.")
def command(client: DaemonClient, *, token_id: str, account: str | None) -> None:
    """Have the token ID count no more, from now on."""
    name = quote(account or account_of(client), safe="")
    client.send("DELETE", f"/api/v1/account/{name}/token/{quote(token_id, safe='')}")

"""`gitopsd account generate-token`."""

from __future__ import annotations

from urllib.parse import quote

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.commands.account.names import account_of
from gitopsd.cli.options import verb
from gitopsd.core.text.duration import go_duration_s


@verb("generate-token")
@click.option("--account", help="Whose token; one's own unless given.")
@click.option("--expires-in", default="0s", show_default=True, metavar="TIME", help='As "720h"; 0s is never.')
@click.option("--id", "token_id", help="By which it is listed and deleted; made unless given.")
def command(client: DaemonClient, *, account: str | None, expires_in: str, token_id: str | None) -> None:
    """Make a token of an account with the capability apiKey, and print it: it is shown here alone."""
    expires_s = go_duration_s(expires_in)
    if expires_s is None or expires_s < 0:
        raise click.BadParameter(f'{expires_in!r} is no time span; write it as "720h"')
    name = quote(account or account_of(client), safe="")
    body = {"expiresIn": int(expires_s), "id": token_id or ""}
    click.echo(client.send("POST", f"/api/v1/account/{name}/token", body)["token"])

"""`gitopsd account get`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click

from gitopsd.cli import status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts, print_table

COLUMNS = ("id", "issued", "expires", "last used")


@verb("get")
@click.argument("name")
@output
def command(client: DaemonClient, *, name: str, form: str) -> None:
    """Show the account NAME and its tokens."""
    account = client.get(f"/api/v1/account/{quote(name, safe='')}")
    if form != "table":
        print_data(account, form)
        return
    facts = (("Name", account["name"]), ("Enabled", account.get("enabled", False)))
    print_facts((*facts, ("Capabilities", ", ".join(account.get("capabilities") or ()))))
    if tokens := account.get("tokens"):
        click.echo()
        print_table(COLUMNS, (_row(token, time.time()) for token in tokens))


def _row(token: dict[str, Any], now_s: float) -> tuple[str, ...]:
    expires = token.get("expiresAt")
    used = token.get("lastUsedAt")
    return (
        str(token["id"]),
        status.ago(_time(token["issuedAt"]), now_s),
        _time(expires) if expires else "never",
        status.ago(_time(used), now_s) if used else "never",
    )


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")

"""`gitopsd account list`."""

from __future__ import annotations

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table

COLUMNS = ("name", "enabled", "capabilities", "tokens")


@verb("list")
@output
def command(client: DaemonClient, *, form: str) -> None:
    """List the accounts that one may see."""
    answer = client.get("/api/v1/account")
    if form != "table":
        print_data(answer, form)
        return
    print_table(
        COLUMNS,
        (
            (
                account["name"],
                str(account.get("enabled", False)).lower(),
                ", ".join(account.get("capabilities") or ()),
                len(account.get("tokens") or ()),
            )
            for account in answer.get("items") or ()
        ),
    )

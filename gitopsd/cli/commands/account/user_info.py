"""`gitopsd account get-user-info`."""

from __future__ import annotations

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts


@verb("get-user-info")
@output
def command(client: DaemonClient, *, form: str) -> None:
    """Show as whom the daemon is asked."""
    info = client.get("/api/v1/session/userinfo")
    if form != "table":
        print_data(info, form)
        return
    logged_in = bool(info.get("loggedIn"))
    groups = ", ".join(info.get("groups") or ())
    print_facts((("Logged In", logged_in), ("Username", info.get("username")), ("Groups", groups)))

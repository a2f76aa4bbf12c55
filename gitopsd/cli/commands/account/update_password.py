"""`gitopsd account update-password`."""

from __future__ import annotations

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.cli.options import verb


@verb("update-password")
@click.option("--account", help="Whose password; one's own unless given.")
@click.option("--current-password", help="One's own; asked for where it is not given.")
@click.option("--new-password", help="Asked for, twice, where it is not given.")
def command(
    client: DaemonClient, *, account: str | None, current_password: str | None, new_password: str | None
) -> None:
    """Change a password. All sessions of that account have ended then: log in again."""
    if current_password is None:
        text = "Current password of your own (empty with the static token)"
        current_password = click.prompt(text, default="", show_default=False, hide_input=True, err=True)
    if new_password is None:
        new_password = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    body = {"name": account or "", "currentPassword": current_password, "newPassword": new_password}
    client.send("PUT", "/api/v1/account/password", body)
    click.echo("The password is changed; its sessions have ended.", err=True)

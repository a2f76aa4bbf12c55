"""Whose account is meant where none is named."""

from __future__ import annotations

from gitopsd.cli.client import DaemonClient


def account_of(client: DaemonClient) -> str:
    """Return the name of the account as which the daemon is asked."""
    return str(client.get("/api/v1/session/userinfo").get("username") or "")

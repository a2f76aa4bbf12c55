"""The audit log page by page, and the options that say which part of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from gitopsd.cli.client import DaemonClient
from gitopsd.core.text.duration import go_duration_s

AUDIT = "/api/v1/audit"
PAGE = 1000  # entries, as many as the daemon gives at once


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose entries, as its parameter `query`."""

    @functools.wraps(function)
    def run(*arguments: Any, app: str, by: str, since: str, **rest: Any) -> Any:
        query = {"application": app, "username": by, "since": time_of(since) if since else ""}
        return function(*arguments, query={name: text for name, text in query.items() if text}, **rest)

    decorated: Callable[..., Any] = run
    for option in (
        click.option("--since", default="", metavar="TIME", help="2026-01-31T12:00:00Z, or how long ago, as in 24h."),
        click.option("--by", default="", help="Only what this account did."),
        click.option("--app", default="", help="Only what was done to this application."),
    ):
        decorated = option(decorated)
    return decorated


def time_of(text: str) -> str:
    """Return a point in time as the API takes it: `text` is one, or says how long ago. Raises UsageError."""
    ago_s = go_duration_s(text)
    if ago_s is not None:
        return datetime.fromtimestamp(time.time() - ago_s, UTC).isoformat()
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except ValueError:
        raise click.UsageError(f"{text!r} is no time; write 2026-01-31T12:00:00Z, or 24h") from None


def pages(client: DaemonClient, query: dict[str, str], limit: int) -> Iterator[dict[str, Any]]:
    """Yield answers of the daemon, until the oldest entry."""
    asked = {**query, "limit": str(limit)}
    while True:
        answer = client.get(AUDIT, asked)
        yield answer
        token = (answer.get("metadata") or {}).get("continue")
        if not token:
            return
        asked["continue"] = token

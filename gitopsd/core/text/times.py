"""Moments as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(unix_s: float | None) -> str | None:
    """Return a time as Kubernetes writes it, in UTC and whole seconds; None for none (0 is none too)."""
    if not unix_s:
        return None
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

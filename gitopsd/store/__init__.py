"""What must survive: declarations, inventory, operations, history, audit; SQLite in the data directory."""

from __future__ import annotations

from gitopsd.store.store import Store

__all__ = ["Store"]

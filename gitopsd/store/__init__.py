"""What must survive: declarations, inventory, operations, history, audit; SQLite in the data directory."""

from __future__ import annotations

from gitopsd.store.store import Audited, Store
from gitopsd.store.subscribers import Subscription

__all__ = ["Audited", "Store", "Subscription"]

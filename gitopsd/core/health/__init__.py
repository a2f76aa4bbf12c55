"""How well a live object does: one file per kind, a table that picks, and the worst of many."""

from gitopsd.core.health.aggregate import worst
from gitopsd.core.health.table import health_of, is_asked

__all__ = ["health_of", "is_asked", "worst"]

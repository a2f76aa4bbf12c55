"""How well a live object does: one file per kind, and a table that picks."""

from gitopsd.core.health.table import health_of, is_asked

__all__ = ["health_of", "is_asked"]

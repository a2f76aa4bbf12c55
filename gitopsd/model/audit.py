"""What people did through the API."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.model.ids import AppName


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which application, when."""

    id: int  # grows
    at_s: float  # Unix time
    who: str
    what: str  # a verb of the API: "sync", "delete", "rollback" …
    app: AppName
    detail: str

"""What people did through the API, and what they were refused."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gitopsd.model.ids import AppName


class AuditResult(enum.Enum):
    """What became of it."""

    DONE = "done"
    REFUSED = "refused"  # the right was missing; refusals of one minute for one right are one entry


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which application, when, from where, and by which right."""

    id: int  # grows
    at_s: float  # Unix time
    who: str
    what: str  # a verb of the API: "sync", "delete", "rollback" …; of what was refused the action
    app: AppName
    detail: str
    address: str = ""  # the request came from; "" of entries from before it was kept
    sign_in: str = ""  # how the caller showed who it is
    right: str = ""  # "applications, sync, retail/shop"; "" where none is needed
    result: AuditResult = AuditResult.DONE
    before: str = ""  # SHA-256 of the declaration that was changed; "" where there was none, or nothing is declared
    after: str = ""  # of what it became


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries are meant; the newest first."""

    app: str = ""  # "": of any application, and of none
    by: str = ""  # account; "": of anybody
    since_s: float | None = None  # Unix time
    before: int | None = None  # only entries older than this id
    limit: int = 100

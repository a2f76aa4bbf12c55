"""What is written into the audit log: of what is done by whoever does it, of what is refused where it is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from cachetools import TTLCache

from gitopsd.errors import StoreFailed
from gitopsd.model.audit import AuditEntry, AuditResult
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName

APART_S = 60.0  # for which a refusal that comes again is not written down again
MOST_REFUSALS = 100  # in that time, of everybody


class AuditLog(Protocol):
    def audit(self, entry: AuditEntry) -> None: ...


def done_by(  # noqa: PLR0913 - fields of an entry
    caller: Caller, verb: str, app: AppName, detail: str = "", *, right: str = "", before: str = "", after: str = ""
) -> AuditEntry:
    """Return the entry of what `caller` did to `app`; whoever keeps it gives it its id and time."""
    return AuditEntry(
        0,
        0.0,
        caller.account,
        verb,
        app,
        detail,
        caller.address,
        caller.sign_in.value,
        right,
        AuditResult.DONE,
        before,
        after,
    )


class Refusals:
    """Writes down what callers were refused, each right of each caller once a minute, so that nobody fills the disk."""

    def __init__(self, log: AuditLog, clock: Callable[[], float]) -> None:
        self._log = log
        self._lately: TTLCache[tuple[str, str], None] = TTLCache(MOST_REFUSALS, APART_S, timer=clock)

    def refused(self, caller: Caller, right: str) -> None:
        """Note that `caller` lacks `right`, such as "applications, sync, retail/shop"."""
        key = (caller.account, right)
        if key in self._lately or len(self._lately) >= MOST_REFUSALS:
            return
        self._lately[key] = None
        resource, action, name = right.split(", ", 2)
        app = AppName(name.rpartition("/")[2] if resource == "applications" else "")
        entry = AuditEntry(
            0, 0.0, caller.account, action, app, "", caller.address, caller.sign_in.value, right, AuditResult.REFUSED
        )
        with suppress(StoreFailed):  # who is refused is refused with a full disk, too
            self._log.audit(entry)

"""What was written down: the audit log and the ledger of drift, as far as the caller may see of what they speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gitopsd.errors import NotFound
from gitopsd.model.audit import AuditEntry, AuditQuery
from gitopsd.model.caller import Caller
from gitopsd.model.drift import Drift, DriftQuery
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.backend import Backend

R = TypeVar("R", AuditEntry, Drift)


@dataclass(frozen=True, slots=True)
class RecordPage(Generic[R]):
    """Records, the newest first; a page may hold fewer than were asked for, and yet not be the last."""

    records: Sequence[R]
    next: int | None  # what the next page begins behind; None: this is the last one


@dataclass(frozen=True, slots=True)
class AuditUseCases:
    backend: Backend
    access: ApplicationAccess

    def list(self, caller: Caller, query: AuditQuery) -> RecordPage[AuditEntry]:
        """Return what was done through the API, and refused."""
        return _page(self.access, caller, self.backend.audited(query), query.limit)


@dataclass(frozen=True, slots=True)
class DriftUseCases:
    backend: Backend
    access: ApplicationAccess

    async def list(self, caller: Caller, query: DriftQuery) -> RecordPage[Drift]:
        """Return what was changed in clusters behind Git's back."""
        return _page(self.access, caller, await self.backend.drifts(query), query.limit)

    async def get(self, caller: Caller, number: int) -> Drift:
        """Return one entry. Raises NotFound, also where the caller may not see its application."""
        entry = await self.backend.drift(number)
        if entry is None or not self.access.sees_name(caller, entry.app):
            raise NotFound(f"the ledger has no entry {number}", remedy="see `gitopsd drift list`")
        return entry


def _page(access: ApplicationAccess, caller: Caller, records: Sequence[R], limit: int) -> RecordPage[R]:
    visible = {name: access.sees_name(caller, name) for name in {record.app for record in records}}
    full = len(records) == limit
    return RecordPage([record for record in records if visible[record.app]], records[-1].id if full else None)

"""What is done to an application: sync, rollback, terminate, confirm deletions; and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitopsd.core.sync.windows import blocked, opened
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest, Task
from gitopsd.model.project import SyncWindow
from gitopsd.model.status import HistoryEntry
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import AppView, Backend


@dataclass(frozen=True, slots=True)
class WindowsView:
    """When an application may be synced."""

    windows: Sequence[SyncWindow]  # that concern it
    opened: Sequence[SyncWindow]  # of those
    refusal: str = ""  # why a sync that a person asks for would be refused now; "" where it would not


@dataclass(frozen=True, slots=True)
class OperationUseCases:
    backend: Backend
    access: ApplicationAccess
    now_s: Callable[[], float]

    async def sync(self, caller: Caller, name: AppName, request: SyncRequest) -> AppView:
        """Take up a sync in the caller's name; on return it is stored.

        Raises:
            NotFound, NotPermitted: of the caller.
            Conflict: the state of the application does not allow it.
            RevisionNotFound, RepositoryUnreachable: a revision that it names cannot be had.
        """
        right = self.access.require(caller, name, "sync")
        await self.backend.sync(name, self._asked(caller, request))
        self.backend.record(done_by(caller, "sync", name, ", ".join(request.revisions), right=right))
        return self.backend.view(name)

    async def rollback(self, caller: Caller, name: AppName, history_id: int, request: SyncRequest) -> AppView:
        """Sync to what the history's entry `history_id` made live, with the options of `request`. Raises as `sync`."""
        right = self.access.require(caller, name, "sync")
        await self.backend.rollback(name, history_id, self._asked(caller, request))
        self.backend.record(done_by(caller, "rollback", name, str(history_id), right=right))
        return self.backend.view(name)

    async def terminate(self, caller: Caller, name: AppName) -> None:
        """End the running operation. Raises NotFound, NotPermitted, and Conflict where none runs."""
        right = self.access.require(caller, name, "sync")
        await self.backend.terminate(name)
        self.backend.record(done_by(caller, "terminate", name, right=right))

    async def confirm(self, caller: Caller, name: AppName) -> None:
        """Approve the deletions of the application's that wait for a person. Raises NotFound, NotPermitted."""
        right = self.access.require(caller, name, "update")
        await self.backend.confirm(name, self.now_s())
        self.backend.record(done_by(caller, "confirm-deletion", name, right=right))

    def windows(self, caller: Caller, name: AppName) -> WindowsView:
        """Return the sync windows that concern the application, and what they say now. Raises NotFound."""
        self.access.known(caller, name)
        windows, now_s = self.backend.windows(name), self.now_s()
        shut = blocked(windows, now_s, manual=True)
        return WindowsView(windows, opened(windows, now_s), shut.reason if shut is not None else "")

    def syncs(self, caller: Caller, name: AppName) -> Sequence[HistoryEntry]:
        """Return all syncs of the history, failed ones too, the newest last. Raises NotFound."""
        self.access.known(caller, name)
        return self.backend.view(name).history

    def results(self, caller: Caller, name: AppName, history_id: int) -> tuple[HistoryEntry, Sequence[Task]]:
        """Return one sync of the history, and what became of the objects in it. Raises NotFound."""
        self.access.known(caller, name)
        tasks = self.backend.results(name, history_id)
        entry = next(entry for entry in self.backend.view(name).history if entry.id == history_id)
        return entry, tasks

    def _asked(self, caller: Caller, request: SyncRequest) -> SyncRequest:
        return replace(request, initiated_by=caller.account, asked_s=self.now_s())

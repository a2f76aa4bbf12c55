"""Applications: list, get with a refresh, delete."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.runtime.deadline import within
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import AppView, Backend
from gitopsd.usecases.listing import Filters, ListPage, Selected, selected


class Refresh(enum.Enum):
    """What is looked at anew before an application is answered with."""

    NORMAL = "normal"
    HARD = "hard"  # the API server is asked about every object, too


@dataclass(frozen=True, slots=True)
class ApplicationUseCases:
    backend: Backend
    access: ApplicationAccess
    refresh_s: float  # for the pass that a refresh waits for

    def list(self, caller: Caller, filters: Filters, page: ListPage) -> Selected:
        """Return the page of the applications that match and that the caller may get."""
        return selected(self.backend, filters, page, visible=self.access.visible(caller))

    async def get(self, caller: Caller, name: AppName, refresh: Refresh | None = None) -> AppView:
        """Return the application, after a pass where `refresh` asks for one. Raises NotFound, TooSlow."""
        self.access.known(caller, name)
        if refresh is not None:
            work = self.backend.refresh(name, hard=refresh is Refresh.HARD)
            await within(self.refresh_s, f"the pass over {name}", work)
            self.access.known(caller, name)  # it may be of another project by now
        return self.backend.view(name)

    async def delete(self, caller: Caller, name: AppName, *, cascade: bool) -> None:
        """Delete the application, with `cascade` its objects first. Raises NotFound, NotPermitted, Conflict."""
        right = self.access.require(caller, name, "delete")
        await self.backend.delete(name, cascade=cascade)
        self.backend.record(done_by(caller, "delete", name, "cascade" if cascade else "", right=right))

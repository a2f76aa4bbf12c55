"""Repositories, the age of their epochs, and what sources of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import NotFound
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.backend import Backend, RepositoryState, SourceDetails
from gitopsd.usecases.rights import Rights, scoped_object


@dataclass(frozen=True, slots=True)
class RepositoryUseCases:
    backend: Backend
    rights: Rights
    access: ApplicationAccess

    def list(self, caller: Caller) -> Sequence[RepositoryState]:
        """Return the repositories that the caller may get, sorted by URL."""
        permitted = self.rights.permitted(caller, PolicyResource.REPOSITORIES, "get")
        states = self.backend.repositories()
        visible = (state for state in states if permitted(scoped_object(state.project, state.url)))
        return sorted(visible, key=lambda state: state.url)

    async def details(self, caller: Caller, repo: str, app: AppName, index: int) -> SourceDetails:
        """Return what the source `index` of an application is; where it reads is as declared, never as asked.

        Raises:
            NotPermitted, NotFound: of the caller, or that source is of another repository.
        """
        project = next((state.project for state in self.backend.repositories() if state.url == repo), "")
        self.rights.require(caller, PolicyResource.REPOSITORIES, "get", scoped_object(project, repo))
        self.access.known(caller, app)
        sources = await self.backend.sources(app)
        if not 0 <= index < len(sources) or sources[index].repo != repo:
            raise NotFound(
                f"source {index} of {app} is not of that repository", remedy="see spec.sources of the application"
            )
        return sources[index]

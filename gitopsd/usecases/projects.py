"""Projects as they are declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import NotFound
from gitopsd.model.caller import Caller
from gitopsd.model.project import AppProject
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights


@dataclass(frozen=True, slots=True)
class ProjectUseCases:
    backend: Backend
    rights: Rights

    def list(self, caller: Caller) -> Sequence[AppProject]:
        """Return the projects that the caller may get, sorted by name."""
        permitted = self.rights.permitted(caller, PolicyResource.PROJECTS, "get")
        visible = (project for project in self.backend.projects() if permitted(project.name))
        return sorted(visible, key=lambda project: project.name)

    def get(self, caller: Caller, name: str) -> AppProject:
        """Return one project. Raises NotPermitted before it looks whether there is one, then NotFound."""
        self.rights.require(caller, PolicyResource.PROJECTS, "get", name)
        project = next((candidate for candidate in self.backend.projects() if candidate.name == name), None)
        if project is None:
            raise NotFound(f"project {name} does not exist", remedy="see /api/v1/projects")
        return project

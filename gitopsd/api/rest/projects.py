"""`/api/v1/projects`: the AppProjects as declared."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.argocd_json import API_VERSION, shown
from gitopsd.api.backend import Backend
from gitopsd.errors import NotFound
from gitopsd.model.project import AppProject


class ProjectRoutes:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/projects", self.list), web.get("/api/v1/projects/{name}", self.get)]

    async def list(self, _: web.Request) -> web.Response:
        projects = sorted(self._backend.projects(), key=lambda project: project.name)
        return answer({"metadata": {}, "items": [project_json(project) for project in projects]})

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        for project in self._backend.projects():
            if project.name == name:
                return answer(project_json(project))
        raise NotFound(f"project {name} does not exist", remedy="see /api/v1/projects")


def project_json(project: AppProject) -> dict[str, Any]:
    """Return a project as declared; one that nobody declared (`default`) as its limits read."""
    if project.manifest:
        return {str(name): shown(value) for name, value in project.manifest.items()}
    return {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": project.name},
        "spec": {
            "sourceRepos": list(project.source_repos),
            "destinations": [
                {
                    name: getattr(destination, name)
                    for name in ("server", "name", "namespace")
                    if getattr(destination, name)
                }
                for destination in project.destinations
            ],
            "clusterResourceWhitelist": [{"group": kind.group, "kind": kind.kind} for kind in project.cluster_allowed],
        },
    }

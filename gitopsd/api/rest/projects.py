"""`/api/v1/projects`: the AppProjects as declared."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.argocd_json import API_VERSION, shown
from gitopsd.api.logins import caller_of
from gitopsd.model.project import AppProject
from gitopsd.usecases.projects import ProjectUseCases


class ProjectRoutes:
    def __init__(self, projects: ProjectUseCases) -> None:
        self._projects = projects

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/projects", self.list), web.get("/api/v1/projects/{name}", self.get)]

    async def list(self, request: web.Request) -> web.Response:
        projects = self._projects.list(caller_of(request))
        return answer({"metadata": {}, "items": [project_json(project) for project in projects]})

    async def get(self, request: web.Request) -> web.Response:
        return answer(project_json(self._projects.get(caller_of(request), request.match_info["name"])))


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

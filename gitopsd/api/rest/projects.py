"""`/api/v1/projects`: the AppProjects as declared."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer, body_of
from gitopsd.api.argocd_json import API_VERSION, shown
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import number_of, text_of
from gitopsd.model.project import AppProject
from gitopsd.usecases.api_tokens import RoleTokenUseCases
from gitopsd.usecases.projects import ProjectUseCases


class ProjectRoutes:
    def __init__(self, projects: ProjectUseCases, role_tokens: RoleTokenUseCases) -> None:
        self._projects = projects
        self._role_tokens = role_tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/projects", self.list),
            web.get("/api/v1/projects/{name}", self.get),
            web.post("/api/v1/projects/{name}/roles/{role}/token", self.create_token),
            web.delete("/api/v1/projects/{name}/roles/{role}/token/{id}", self.delete_token),
            web.delete("/api/v1/projects/{name}/roles/{role}/token/{iat}/{id}", self.delete_token),
        ]

    async def list(self, request: web.Request) -> web.Response:
        projects = self._projects.list(caller_of(request))
        return answer({"metadata": {}, "items": [project_json(project) for project in projects]})

    async def get(self, request: web.Request) -> web.Response:
        return answer(project_json(self._projects.get(caller_of(request), request.match_info["name"])))

    async def create_token(self, request: web.Request) -> web.Response:
        body, match = await body_of(request), request.match_info
        token = self._role_tokens.create(
            caller_of(request), match["name"], match["role"], text_of(body, "id"), number_of(body, "expiresIn")
        )
        return answer({"token": token})

    async def delete_token(self, request: web.Request) -> web.Response:
        match = request.match_info
        self._role_tokens.delete(caller_of(request), match["name"], match["role"], match["id"])
        return answer({})


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

"""Every service: the verbs of REST, in messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitopsd.api.grpc.accounts import account_methods, session_methods
from gitopsd.api.grpc.applications import ApplicationService, WrittenApplications
from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.calls import Services
from gitopsd.api.grpc.methods import Json, Methods, MethodTable, Verb
from gitopsd.api.grpc.objects import ObjectMethods
from gitopsd.api.middleware import Watched
from gitopsd.api.rest.clusters import cluster_json
from gitopsd.api.rest.projects import project_json
from gitopsd.api.rest.repositories import repository_json
from gitopsd.api.rest.settings import settings_json
from gitopsd.api.rest.version import version_json
from gitopsd.core.source.repo_address import same_repository
from gitopsd.errors import NotFound
from gitopsd.model.caller import Caller
from gitopsd.usecases.accounts import AccountUseCases
from gitopsd.usecases.backend import VersionInfo
from gitopsd.usecases.wiring import UseCases


@dataclass(frozen=True, slots=True)
class ServiceWiring:
    uses: UseCases
    table: MethodTable
    version: VersionInfo
    now_s: Callable[[], float]
    watched: Watched


def all_services(parts: ServiceWiring) -> Services:
    """Return every method, by its path."""
    uses, table = parts.uses, parts.table
    methods = {
        **_open(table, parts.version, uses.accounts),
        **ApplicationService(uses, WrittenApplications(parts.now_s)).methods(table),
        **ObjectMethods(uses).methods(table),
        **_projects(uses, table),
        **_clusters(uses, table, parts.now_s),
        **_repositories(uses, table, parts.now_s),
        **session_methods(uses.accounts, table),
        **account_methods(uses.accounts, table),
    }
    return Services(methods, parts.watched)


def _open(table: MethodTable, info: VersionInfo, accounts: AccountUseCases) -> Methods:
    async def version(_: Call, __: Any) -> Json:
        return version_json(info)

    async def settings(_: Call, __: Any) -> Json:
        return settings_json(accounts.rules(), known=False)

    return {
        **table.open("version.VersionService", {"Version": version}),
        **table.open("cluster.SettingsService", {"Get": settings}),
    }


def _projects(uses: UseCases, table: MethodTable) -> Methods:
    async def all_projects(caller: Caller, _: Any) -> Json:
        return {"items": [project_json(project) for project in uses.projects.list(caller)]}

    async def get(caller: Caller, request: Any) -> Json:
        return project_json(uses.projects.get(caller, request.name))

    async def detailed(caller: Caller, request: Any) -> Json:
        """Answer with a project; no cluster and no repository is one project's alone."""
        return {"project": project_json(uses.projects.get(caller, request.name))}

    async def create_token(caller: Caller, request: Any) -> Json:
        token = uses.role_tokens.create(caller, request.project, request.role, request.id, request.expiresIn)
        return {"token": token}

    async def delete_token(caller: Caller, request: Any) -> Json:
        uses.role_tokens.delete(caller, request.project, request.role, request.id or str(request.iat))
        return {}

    verbs: dict[str, Verb] = {
        "List": all_projects,
        "Get": get,
        "GetDetailedProject": detailed,
        "CreateToken": create_token,
        "DeleteToken": delete_token,
    }
    return table.known("project.ProjectService", verbs)


def _clusters(uses: UseCases, table: MethodTable, now_s: Callable[[], float]) -> Methods:
    async def all_clusters(caller: Caller, _: Any) -> Json:
        return {"items": [cluster_json(state, now_s()) for state in uses.clusters.list(caller)]}

    async def get(caller: Caller, request: Any) -> Json:
        """Answer with a cluster by its server or its name, in whichever field it stands."""
        meant = {request.server, request.name, request.id.value} - {""}
        for state in uses.clusters.list(caller):
            if meant & {state.name, state.server}:
                return cluster_json(state, now_s())
        raise NotFound(f"there is no cluster {', '.join(sorted(meant))}", remedy="see /api/v1/clusters")

    return table.known("cluster.ClusterService", {"List": all_clusters, "Get": get})


def _repositories(uses: UseCases, table: MethodTable, now_s: Callable[[], float]) -> Methods:
    async def all_repositories(caller: Caller, _: Any) -> Json:
        return {"items": [repository_json(state, now_s()) for state in uses.repositories.list(caller)]}

    async def get(caller: Caller, request: Any) -> Json:
        for state in uses.repositories.list(caller):
            if same_repository(state.url, request.repo):
                return repository_json(state, now_s())
        raise NotFound("there is no such repository", remedy="see /api/v1/repositories")

    verbs = {"List": all_repositories, "ListRepositories": all_repositories, "Get": get}
    return table.known("repository.RepositoryService", verbs)

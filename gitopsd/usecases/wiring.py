"""All use cases, joined to one daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.applications import ApplicationUseCases
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.clusters import ClusterUseCases
from gitopsd.usecases.operations import OperationUseCases
from gitopsd.usecases.projects import ProjectUseCases
from gitopsd.usecases.records import AuditUseCases, DriftUseCases
from gitopsd.usecases.repositories import RepositoryUseCases
from gitopsd.usecases.resources import ResourceUseCases
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.watching import ChangeFeed, WatchUseCases


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything that may be asked, for a transport to translate."""

    applications: ApplicationUseCases
    operations: OperationUseCases
    resources: ResourceUseCases
    projects: ProjectUseCases
    clusters: ClusterUseCases
    repositories: RepositoryUseCases
    audit: AuditUseCases
    drift: DriftUseCases
    watch: WatchUseCases


def use_cases(
    backend: Backend, rights: Rights, changes: ChangeFeed, now_s: Callable[[], float], *, refresh_s: float = 50.0
) -> UseCases:
    """Return the use cases of `backend`; a refresh waits at most `refresh_s` for its pass."""
    access = ApplicationAccess(backend, rights)
    return UseCases(
        applications=ApplicationUseCases(backend, access, refresh_s),
        operations=OperationUseCases(backend, access, now_s),
        resources=ResourceUseCases(backend, access),
        projects=ProjectUseCases(backend, rights),
        clusters=ClusterUseCases(backend, rights),
        repositories=RepositoryUseCases(backend, rights, access),
        audit=AuditUseCases(backend, access),
        drift=DriftUseCases(backend, access),
        watch=WatchUseCases(backend, access, changes),
    )

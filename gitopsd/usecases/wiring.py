"""All use cases, joined to one daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.usecases.access import ApplicationAccess
from gitopsd.usecases.accounts import AccountUseCases
from gitopsd.usecases.actions import ActionUseCases
from gitopsd.usecases.api_tokens import RoleTokenUseCases
from gitopsd.usecases.applications import ApplicationUseCases
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.clusters import ClusterUseCases
from gitopsd.usecases.declaring import DeclaringUseCases
from gitopsd.usecases.edits import EditUseCases
from gitopsd.usecases.inspecting import InspectingUseCases
from gitopsd.usecases.operations import OperationUseCases
from gitopsd.usecases.projects import ProjectUseCases
from gitopsd.usecases.records import AuditUseCases, DriftUseCases
from gitopsd.usecases.repositories import RepositoryUseCases
from gitopsd.usecases.resources import ResourceUseCases
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.sessions import Sessions
from gitopsd.usecases.sso import IdentityProvider, SsoUseCases
from gitopsd.usecases.watching import ChangeFeed, WatchUseCases


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything that may be asked, for a transport to translate."""

    applications: ApplicationUseCases
    declaring: DeclaringUseCases
    operations: OperationUseCases
    resources: ResourceUseCases
    inspecting: InspectingUseCases
    edits: EditUseCases
    actions: ActionUseCases
    projects: ProjectUseCases
    clusters: ClusterUseCases
    repositories: RepositoryUseCases
    audit: AuditUseCases
    drift: DriftUseCases
    watch: WatchUseCases
    accounts: AccountUseCases
    role_tokens: RoleTokenUseCases
    sso: SsoUseCases


@dataclass(frozen=True, slots=True)
class UseCaseWiring:
    """What the use cases are joined to."""

    backend: Backend
    rights: Rights
    sessions: Sessions
    changes: ChangeFeed
    now_s: Callable[[], float]
    declares: bool = True  # whether applications may be declared by the API
    provider: Callable[[], IdentityProvider | None] = lambda: None  # of single sign-on
    refresh_s: float = 50.0  # for the pass that a refresh waits for


def use_cases(parts: UseCaseWiring) -> UseCases:
    """Return the use cases of one daemon."""
    backend, rights = parts.backend, parts.rights
    access = ApplicationAccess(backend, rights)
    return UseCases(
        applications=ApplicationUseCases(backend, access, parts.refresh_s),
        declaring=DeclaringUseCases(backend, rights, access, allowed=parts.declares),
        operations=OperationUseCases(backend, access, parts.now_s),
        inspecting=InspectingUseCases(backend, rights, access),
        edits=EditUseCases(backend, rights, access),
        actions=ActionUseCases(backend, rights, access),
        resources=ResourceUseCases(backend, access),
        projects=ProjectUseCases(backend, rights),
        clusters=ClusterUseCases(backend, rights),
        repositories=RepositoryUseCases(backend, rights, access),
        audit=AuditUseCases(backend, access),
        drift=DriftUseCases(backend, access),
        accounts=AccountUseCases(parts.sessions.base, parts.sessions, rights, backend),
        role_tokens=RoleTokenUseCases(parts.sessions.base, rights, backend),
        sso=SsoUseCases(parts.sessions.base, parts.provider, parts.sessions.subjects, backend),
        watch=WatchUseCases(backend, access, parts.changes),
    )

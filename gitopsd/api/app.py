"""Builds the two aiohttp applications: the API with the webhook, and probes with metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from gitopsd.api.connections import heads
from gitopsd.api.events import STREAM, TREES, EventStream
from gitopsd.api.grpc.call import Serve
from gitopsd.api.grpc.door import GrpcDoor
from gitopsd.api.grpc.web import ROUTE as GRPC_WEB
from gitopsd.api.grpc.web import GrpcWeb
from gitopsd.api.logins import FailedLogins
from gitopsd.api.middleware import Doors, Watched, authenticated, bounded, errors, headers, json_only
from gitopsd.api.probes import Probes, Readiness, Scrape, probe_routes
from gitopsd.api.rest.accounts import AccountRoutes
from gitopsd.api.rest.actions import ActionRoutes
from gitopsd.api.rest.applications import ApplicationRoutes
from gitopsd.api.rest.audit import AuditRoutes
from gitopsd.api.rest.clusters import ClusterRoutes
from gitopsd.api.rest.drift import DriftRoutes
from gitopsd.api.rest.edits import EditRoutes
from gitopsd.api.rest.inspecting import LOGS, InspectingRoutes
from gitopsd.api.rest.operations import OperationRoutes
from gitopsd.api.rest.projects import ProjectRoutes
from gitopsd.api.rest.repositories import RepositoryRoutes
from gitopsd.api.rest.resources import ResourceRoutes
from gitopsd.api.rest.sessions import SESSION, USERINFO, SessionRoutes
from gitopsd.api.rest.settings import SETTINGS, SettingsRoutes
from gitopsd.api.rest.show import Show
from gitopsd.api.rest.sso import CALLBACK, LOGIN, LOGOUT, SsoRoutes
from gitopsd.api.rest.version import version_routes
from gitopsd.api.web_pages import OPEN_PAGES, WebPages
from gitopsd.api.webhooks import WEBHOOK, WebhookEndpoint
from gitopsd.usecases.authentication import Authenticator
from gitopsd.usecases.backend import VersionInfo
from gitopsd.usecases.wiring import UseCases

# A call of gRPC tells its caller by itself; the pages tell of no application.
OPEN = frozenset({"/healthz", WEBHOOK, GRPC_WEB, LOGIN, CALLBACK, SETTINGS, *OPEN_PAGES})
AJAR = frozenset({SESSION, USERINFO, LOGOUT})
MAX_BODY_BYTES = 1 << 20  # of REST requests: a sync that names 10,000 objects


@dataclass(frozen=True, slots=True)
class ApiWiring:
    """What the API is joined to."""

    uses: UseCases
    authenticator: Authenticator
    webhook: WebhookEndpoint
    health: Probes
    version: VersionInfo
    now_s: Callable[[], float]
    watched: Watched = field(default_factory=Watched)
    failed: FailedLogins = field(default_factory=FailedLogins)
    request_s: float = 60.0  # from a request's head to its answer
    tls: bool = False


def grpc_door(parts: ApiWiring) -> GrpcDoor:
    """Return gRPC's way in; nothing of it is imported before its first client comes."""

    def load() -> Serve:
        from gitopsd.api.grpc.methods import MethodTable
        from gitopsd.api.grpc.services import ServiceWiring, all_services

        table = MethodTable(parts.authenticator, parts.failed)
        return all_services(ServiceWiring(parts.uses, table, parts.version, parts.now_s, parts.watched)).serve

    return GrpcDoor(load)


def api_app(parts: ApiWiring, grpc: GrpcDoor) -> web.Application:
    """Return the API: REST, event stream, webhook, and gRPC-Web by `grpc`."""
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[
            heads,
            errors(parts.watched),
            authenticated(parts.authenticator, parts.failed, Doors(OPEN, AJAR)),
            json_only(open_routes=OPEN),
            bounded(parts.request_s, endless=frozenset({STREAM, TREES, GRPC_WEB, *LOGS})),
        ],
    )
    uses, now_s, show = parts.uses, parts.now_s, Show(parts.now_s)
    app.add_routes(EventStream(uses.watch, uses.resources, show, parts.authenticator).routes())
    app.add_routes(ApplicationRoutes(uses.applications, uses.declaring, show).routes())
    app.add_routes(OperationRoutes(uses.operations, show).routes())
    app.add_routes(ResourceRoutes(uses.resources, now_s).routes())
    app.add_routes(InspectingRoutes(uses.inspecting, parts.authenticator).routes())
    app.add_routes(EditRoutes(uses.edits).routes())
    app.add_routes(ActionRoutes(uses.actions).routes())
    app.add_routes(ClusterRoutes(uses.clusters, now_s).routes())
    app.add_routes(RepositoryRoutes(uses.repositories, now_s).routes())
    app.add_routes(ProjectRoutes(uses.projects, uses.role_tokens).routes())
    app.add_routes(AuditRoutes(uses.audit).routes())
    app.add_routes(DriftRoutes(uses.drift, now_s).routes())
    app.add_routes(AccountRoutes(uses.accounts).routes())
    app.add_routes(SessionRoutes(uses.accounts, parts.failed).routes())
    app.add_routes(SettingsRoutes(parts.authenticator, uses.accounts).routes())
    app.add_routes(SsoRoutes(uses.sso, uses.accounts, parts.failed).routes())
    app.add_routes(version_routes(parts.version))
    app.add_routes(parts.webhook.routes())
    app.add_routes(GrpcWeb(grpc).routes())
    app.add_routes(WebPages().routes())
    app.add_routes([web.get("/healthz", parts.health.healthz)])
    app.on_response_prepare.append(headers(tls=parts.tls))

    async def end_streams(_: web.Application) -> None:
        uses.watch.changes.close()

    app.on_shutdown.append(end_streams)
    return app


def probe_app(health: Probes, readiness: Readiness, metrics: Scrape, watched: Watched | None = None) -> web.Application:
    """Return `/healthz`, `/readyz` and `/metrics`, without a token: this listener belongs on loopback or a pod."""
    app = web.Application(
        client_max_size=1024, middlewares=[heads, errors(watched or Watched()), bounded(10.0, endless=frozenset())]
    )
    app.add_routes(probe_routes(health, readiness, metrics))
    app.on_response_prepare.append(headers(tls=False))
    return app

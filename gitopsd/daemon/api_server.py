"""What people and machines see: the API with its webhook, probes, metrics; and who is told when something changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog

from gitopsd import __version__
from gitopsd.api.app import ApiWiring, api_app, grpc_door, probe_app
from gitopsd.api.listener import Listener
from gitopsd.api.logins import FailedLogins
from gitopsd.api.middleware import Watched
from gitopsd.api.probes import DaemonPart, Probes, Readiness
from gitopsd.api.tls import TlsFiles
from gitopsd.api.webhooks import WebhookBounds, WebhookEndpoint
from gitopsd.apply.action_writes import ActionWrites
from gitopsd.apply.live_edits import LiveEdits
from gitopsd.apply.pod_logs import PodLogs
from gitopsd.core.rights.policy_rights import PolicyRights
from gitopsd.daemon import sandbox_policy as confine
from gitopsd.daemon.accounts import AccountSide
from gitopsd.daemon.backend import DaemonBackend
from gitopsd.daemon.base import Base
from gitopsd.daemon.clusters import ClusterSide
from gitopsd.daemon.controller import Controller
from gitopsd.daemon.freshness import Freshness, StaleSnapshot, turned
from gitopsd.daemon.reload import Reloader
from gitopsd.daemon.sources import GitSide
from gitopsd.errors import InvalidPolicy
from gitopsd.model.ids import ClusterId, ProjectName
from gitopsd.runtime.tasks import Service
from gitopsd.settings import RbacSettings, policy_table, read_rbac
from gitopsd.telemetry.scrape import ScrapeSources
from gitopsd.usecases.auditing import Refusals
from gitopsd.usecases.backend import VersionInfo
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.watching import ChangeFeed
from gitopsd.usecases.wiring import UseCaseWiring, use_cases

log = structlog.get_logger()


class ApiServer:
    """Both listeners, and what they show."""

    def __init__(
        self, base: Base, sources: GitSide, clusters: ClusterSide, controller: Controller, reloader: Reloader
    ) -> None:
        settings, store, meters = base.settings, base.store, base.meters
        self._sources, self._clusters, self._controller, self._store = sources, clusters, controller, store
        self._changes = ChangeFeed()
        self._rights = Rights(home=settings.argocd_namespace)
        accounts = self._accounts = AccountSide(base, reloader.token)
        self._configure_rights(settings.rbac)
        reloader.on_rbac = self._configure_rights
        self._rights.on_refused = Refusals(store, base.now_s).refused
        reloader.on_customizations = clusters.customize
        self._tools = settings.tools
        self.freshness = Freshness(settings, sources.git, clusters.live, clusters.servers, self._on_freshness)
        backend = DaemonBackend(
            store,
            controller.commands,
            sources.git,
            clusters.live,
            clusters.servers,
            controller.ledger,
            self.freshness,
            PodLogs(clusters.clients),
            LiveEdits(clusters.applier, clusters.tracking),
            ActionWrites(clusters.applier, clusters.tracking),
            clusters.actions,
            noticed=clusters.leases.noticed,
            cluster_project={ClusterId(cluster.name): cluster.project for cluster in settings.clusters}.__getitem__,
            repository_project=sources.trust.project,
        )
        self.serving = False  # the API answers
        self.readiness = Readiness(self._parts)
        health, api = Probes(base.lag), settings.api
        self.probes = Listener(
            "probes", probe_app(health, self.readiness, meters.exposition), api.probe_host, api.probe_port
        )
        webhook = WebhookEndpoint(
            reloader.webhook_secret,
            sources.git.pushed,
            on_result=base.metrics.webhook,
            bounds=WebhookBounds(max_bytes=api.max_webhook_bytes),
        )
        self._tls = TlsFiles(api.cert_file, api.key_file) if api.cert_file and api.key_file else None
        reloader.on_accounts = accounts.configure
        parts = ApiWiring(
            use_cases(self._use_cases(base, backend)),
            accounts.sessions,
            webhook,
            health,
            VersionInfo(__version__),
            base.now_s,
            Watched(base.metrics.answered, base.metrics.error, base.metrics.called),
            FailedLogins(base.metrics.login_refused),
            tls=self._tls is not None,
        )
        grpc = grpc_door(parts)
        self.api = Listener("api", api_app(parts, grpc), api.host, api.port, tls=self._tls, grpc=grpc)
        store.on_changed(self._changes.changed)
        meters.on_scrape(_scraped(base, backend, controller).collect)

    def _use_cases(self, base: Base, backend: DaemonBackend) -> UseCaseWiring:
        accounts, declares = self._accounts, base.settings.api.declares
        return UseCaseWiring(
            backend, self._rights, accounts.sessions, self._changes, base.now_s, declares, accounts.provider
        )

    @property
    def services(self) -> Sequence[Service]:
        """Return what runs while the daemon serves; the probes are there before, and after."""
        return (self._accounts, self.api, self.freshness, *([self._tls] if self._tls else []))

    def _on_freshness(self, before: StaleSnapshot, after: StaleSnapshot) -> None:
        for name in turned(self._store.all(), self._store.status, before, after):
            self._changes.changed(name)

    def _configure_rights(self, rbac: RbacSettings) -> None:
        """Go by the policy as it is configured now; one that cannot be used leaves what was."""
        try:
            policy = read_rbac(rbac)
            table = policy_table(policy)
        except InvalidPolicy as err:  # the settings were looked at, and the file has changed since
            log.error("policy.kept", error=err.what, remedy=err.remedy)  # noqa: TRY400 - they say it all
            return
        self._accounts.scopes = policy.scopes
        self._rights.change(PolicyRights(table, lambda name: self._store.project(ProjectName(name))))

    def _parts(self) -> Sequence[DaemonPart]:
        """Return what `/readyz` tells: a cluster or repository that is away keeps nothing else from its work."""
        sources, cache = self._sources, self._sources.cache.state
        return [
            DaemonPart("store", ready=True),
            DaemonPart("api", ready=self.serving),
            DaemonPart("redis", not cache.degraded, cache.reason or _private_redis(sources), required=False),
            confine.part(
                sources.workers.isolation,
                self._tools,
                sources.plugins,
                sources.work_dir,
                confined=sources.workers.kept,
            ),
            *self._cluster_parts(),
            *self._controller.declarations.parts(),
            *self._repository_parts(),
        ]

    def _cluster_parts(self) -> Iterable[DaemonPart]:
        live, leases = self._clusters.live, self._clusters.leases
        for cluster in self._clusters.servers:
            age = live.age(cluster)
            detail = age.error or ("" if age.synced else "its first lists are under way")
            yield DaemonPart(f"cluster {cluster}", age.synced or bool(age.error), detail)
            if noticed := leases.noticed(cluster):
                yield DaemonPart(f"lease {cluster}", not leases.fenced(cluster), noticed, required=False)

    def _repository_parts(self) -> Iterable[DaemonPart]:
        git = self._sources.git
        for repo in git.repositories():
            error = git.last_error(repo)
            yield DaemonPart(
                f"repository {repo}", git.epoch(repo) is not None, str(error) if error else "", required=False
            )


def _private_redis(sources: GitSide) -> str:
    return f"private: {sources.redis.server}" if sources.redis else ""


def _scraped(base: Base, backend: DaemonBackend, controller: Controller) -> ScrapeSources:
    queue = controller.queue
    return ScrapeSources(
        backend.views,
        backend.clusters,
        backend.repositories,
        lambda: (queue.depth, queue.running, queue.delayed),
        base.now_s,
        controller.drift.open,
        base.settings.metrics.application_labels,
    )

"""The daemon as its use cases see it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitopsd.apply.action_writes import ActionWrites
from gitopsd.apply.live_edits import EditTarget, LiveEdits
from gitopsd.apply.pod_logs import PodLogs
from gitopsd.core.compare.pairing import owns
from gitopsd.core.declaration import DECLARE
from gitopsd.core.drift.staleness import aged_nodes, aged_resource
from gitopsd.core.tree.owners import TreeNode, tree
from gitopsd.daemon.freshness import Freshness
from gitopsd.errors import NotFound
from gitopsd.git.repositories import Repositories
from gitopsd.live.mirrors import LiveMirrors
from gitopsd.model.action import ActionOutcome, ObjectAction
from gitopsd.model.application import API_SOURCE, Application
from gitopsd.model.audit import AuditEntry, AuditQuery
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Compared, Found
from gitopsd.model.drift import Drift, DriftQuery
from gitopsd.model.edit import LiveEdit
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import GVK, Manifest, gvk_of
from gitopsd.model.operation import SyncRequest, Task
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.project import AppProject, SyncWindow
from gitopsd.model.status import AppStatus
from gitopsd.reconcile.user_commands import UserCommands, readers_of
from gitopsd.scripts.actions import ObjectActions
from gitopsd.store.ledger import Ledger
from gitopsd.store.store import Store
from gitopsd.usecases.backend import AppView, ClusterState, ManagedResource, Manifests, RepositoryState, SourceDetails


@dataclass(frozen=True, slots=True)
class DaemonBackend:
    """Implements `usecases.backend.Backend`."""

    store: Store
    commands: UserCommands
    git: Repositories
    live: LiveMirrors
    clusters_by_name: Mapping[ClusterId, str]  # → server URL
    ledger: Ledger
    freshness: Freshness
    pod_logs: PodLogs
    edits: LiveEdits
    action_writes: ActionWrites
    object_actions: ObjectActions
    noticed: Callable[[ClusterId], str] = lambda _: ""  # what a person should know of a cluster's lease
    cluster_project: Callable[[ClusterId], str] = lambda _: ""  # which it says it is of
    repository_project: Callable[[str], str] = lambda _: ""  # whose applications alone may read a URL

    def candidates(self) -> Iterable[tuple[Application, AppStatus | None]]:
        status_of, shown = self.store.status, self.freshness.shown
        if not self.freshness.now:
            return [(app, status_of(app.name)) for app in self.store.all()]
        known = ((app, status_of(app.name)) for app in self.store.all())
        return [(app, status and shown(app, status)) for app, status in known]

    def views(self, names: Sequence[AppName] | None = None) -> Iterable[AppView]:
        ages = {cluster: self.live.age(cluster).oldest_s for cluster in self.clusters_by_name}
        apps = self.store.all() if names is None else map(self.store.get, names)
        return [self._view(app, ages) for app in apps if app]

    def view(self, name: AppName) -> AppView:
        return self._view(self.commands.known(name), {})

    def application(self, name: AppName) -> Application | None:
        return self.store.get(name)

    def _view(self, app: Application, ages: Mapping[ClusterId, float]) -> AppView:
        name = app.name
        status, operation = self.store.status(name), self.store.operation(name)
        if status is not None and status.operation is not operation:
            # Published at the end of a pass; an operation that it began must not look like none until then.
            status = replace(status, operation=operation)
        if status is not None:
            status = self.freshness.shown(app, status)
        return AppView(
            app,
            status,
            self.store.history(name),
            self.store.request(name),
            self.store.deleting_since(name),
            self._watch_age_s(status.cluster if status else None, ages),
        )

    def _watch_age_s(self, cluster: ClusterId | None, ages: Mapping[ClusterId, float]) -> float | None:
        if cluster is None or cluster not in self.clusters_by_name:
            return None
        return ages[cluster] if cluster in ages else self.live.age(cluster).oldest_s

    async def refresh(self, name: AppName, *, hard: bool) -> None:
        await self.commands.refresh(name, hard=hard)

    async def sync(self, name: AppName, request: SyncRequest) -> None:
        await self.commands.sync(name, request)

    async def rollback(self, name: AppName, history_id: int, request: SyncRequest) -> None:
        await self.commands.rollback(name, history_id, request)

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        self.commands.known(name)
        if all(entry.id != history_id for entry in self.store.history(name)):
            raise NotFound(f"{name} has no history entry {history_id}", remedy="see `gitopsd app history`")
        return self.store.results(name, history_id)

    async def terminate(self, name: AppName) -> None:
        await self.commands.terminate(name)

    async def confirm(self, name: AppName, at_s: float) -> None:
        await self.commands.confirm(name, at_s)

    async def delete(self, name: AppName, *, cascade: bool) -> None:
        await self.commands.delete(name, cascade=cascade)

    def windows(self, name: AppName) -> Sequence[SyncWindow]:
        app, destinations = self.commands.known(name), self.commands.snapshots.destinations
        cluster = destinations.cluster_of(app)
        return destinations.windows(app, cluster) if cluster is not None else ()

    def check_permitted(self, app: Application) -> None:
        self.commands.snapshots.destinations.permitted_destination(
            PassRequest(app, deleting=False, request=None, refs=(), mark=0)
        )

    def declare(self, manifest: Manifest) -> None:
        self.store.declare(API_SOURCE, [manifest], [API_SOURCE], complete=False, prune=False)

    def record(self, entry: AuditEntry) -> None:
        self.store.audit(entry)

    def audited(self, query: AuditQuery) -> Sequence[AuditEntry]:
        return self.store.audited(query)

    async def manifests(self, name: AppName, revision: str) -> Manifests:
        app, rendered, manifests = await self.commands.desired(name, revision)
        cluster = self.commands.snapshots.destinations.destination(app)
        return Manifests(
            manifests,
            rendered.revisions,
            rendered.source_types[0] if rendered.source_types else "",
            app.destination.namespace,
            "" if cluster is DECLARE else self.clusters_by_name[cluster],
        )

    async def sources(self, name: AppName) -> Sequence[SourceDetails]:
        app, rendered, _ = await self.commands.desired(name, "")
        details = iter(zip(rendered.source_types, rendered.announced, strict=True))  # of those that give manifests
        return [
            SourceDetails(source.repo_url, *(next(details) if source.gives_manifests else ("", ())))
            for source in app.sources
        ]

    async def managed_resources(self, name: AppName) -> Sequence[ManagedResource]:
        opened = await self.commands.opened(name)
        stale = self.freshness.now.of(self.commands.known(name), self.store.status(name))
        return [
            ManagedResource(
                opened.gvk,
                opened.compared.pair.key.namespace,
                opened.compared.pair.key.name,
                opened.target,
                opened.live,
                opened.normalized,
                opened.predicted,
                compared=aged_resource(opened.compared, stale),
            )
            for opened in opened
        ]

    def tree(self, name: AppName) -> Sequence[TreeNode]:
        status = self.view(name).status
        if status is None or status.cluster is None:
            return ()
        cluster = status.cluster
        roots = [
            (self._gvk(cluster, compared), compared.pair.live.live, compared.health)
            for compared in status.comparison.resources
            if isinstance(compared.pair.live, Found)
        ]
        nodes = tree(roots, lambda uid: self.live.children(cluster, uid), lambda live: self.live.claimed(cluster, live))
        return aged_nodes(nodes, self.freshness.now.kinds.get(cluster, ()))

    async def read(self, name: AppName, node: TreeNode) -> Manifest | None:
        return await self.commands.applier.read(self._cluster_of(name), ObjectRef(node.live.key, node.gvk))

    async def edit(self, name: AppName, node: TreeNode, edit: LiveEdit) -> Manifest | None:
        return await self.edits.edit(self._edited(name, node), edit)

    async def actions(self, name: AppName, node: TreeNode) -> Sequence[ObjectAction]:
        live = await self.read(name, node)
        if live is None:
            raise NotFound(f"{node.live.key} is gone", remedy="see `gitopsd app tree`")
        return await self.object_actions.offered(live)

    async def act(self, name: AppName, node: TreeNode, action: str, params: Mapping[str, str]) -> None:
        target = self._edited(name, node)

        async def decide(live: Manifest) -> Sequence[ActionOutcome]:
            return await self.object_actions.outcomes(live, action, params)

        await self.action_writes.run(target, decide, lambda key: self.commands.editable(name, key, own=True)[1])

    def _edited(self, name: AppName, node: TreeNode) -> EditTarget:
        """Return the object that is to be written, and by whom. Raises NotFound, NotPermitted, Conflict."""
        cluster, user = self.commands.editable(name, node.live.key, own=owns(name, node.live))
        if cluster != self._cluster_of(name):
            raise NotFound(f"{name} goes to {cluster} by now", remedy="wait for its next pass")
        return EditTarget(cluster, ObjectRef(node.live.key, node.gvk), node.live.uid, user)

    async def log(self, name: AppName, pod: TreeNode, query: LogQuery) -> AsyncGenerator[LogLine]:
        return await self.pod_logs.log(self._cluster_of(name), pod.live.key, query)

    async def events(self, name: AppName, node: TreeNode) -> Mapping[str, Any]:
        return await self.pod_logs.events(self._cluster_of(name), node.live)

    def _cluster_of(self, name: AppName) -> ClusterId:
        status = self.store.status(name)
        if status is None or status.cluster is None:
            raise NotFound(f"{name} has no object", remedy="see `gitopsd app get`")
        return status.cluster

    def orphans(self, name: AppName) -> Sequence[TreeNode]:
        app = self.commands.known(name)
        cluster = self.commands.snapshots.destinations.cluster_of(app)
        if cluster is None:
            return ()
        roots = [(gvk, live, live.health) for gvk, live in self.commands.snapshots.orphans(app, cluster)]
        nodes = tree(roots, lambda uid: self.live.children(cluster, uid))
        return aged_nodes(nodes, self.freshness.now.kinds.get(cluster, ()))

    def _gvk(self, cluster: ClusterId, compared: Compared) -> GVK:
        key = compared.pair.key
        if compared.pair.target is not None:
            return gvk_of(compared.pair.target)
        served = self.live.resource(cluster, GVK(key.group, "", key.kind))
        return served.gvk if isinstance(served, ApiResource) else GVK(key.group, "", key.kind)

    async def drifts(self, query: DriftQuery) -> Sequence[Drift]:
        return await self.ledger.query(query)

    async def drift(self, number: int) -> Drift | None:
        return await self.ledger.entry(number)

    def clusters(self) -> Sequence[ClusterState]:
        apps = list(self.store.all())
        return [self._cluster(cluster, server, apps) for cluster, server in self.clusters_by_name.items()]

    def _cluster(self, cluster: ClusterId, server: str, apps: Sequence[Application]) -> ClusterState:
        size = self.live.size(cluster)
        return ClusterState(
            cluster,
            server,
            size.version,
            self.live.age(cluster),
            size.kinds,
            size.objects,
            readers_of(apps, cluster, self.commands.snapshots.destinations),
            self.noticed(cluster),
            self.live.watches(cluster),
            self.cluster_project(cluster),
        )

    def repositories(self) -> Sequence[RepositoryState]:
        return [self._repository(url) for url in self.git.repositories()]

    def _repository(self, repo: RepoUrl) -> RepositoryState:
        epoch, error = self.git.epoch(repo), self.git.last_error(repo)
        return RepositoryState(
            repo,
            epoch.taken_s if epoch else None,
            str(error) if error else "",
            epoch.number if epoch else 0,
            project=self.repository_project(repo),
        )

    def projects(self) -> Sequence[AppProject]:
        return list(self.store.projects())

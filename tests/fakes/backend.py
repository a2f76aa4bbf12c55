"""A daemon behind the API, in memory: what is asked of it is seen in its views."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from gitopsd.core.declaration import declared
from gitopsd.core.tree.owners import TreeNode
from gitopsd.errors import Conflict, GitopsError, NotFound, NotPermitted
from gitopsd.model.action import ObjectAction
from gitopsd.model.application import API_SOURCE, Application, Destination, Origin, Source
from gitopsd.model.audit import AuditEntry, AuditQuery
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.drift import Drift, DriftQuery
from gitopsd.model.edit import LiveEdit, LivePatch
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, ProjectName, RepoUrl, Revision
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import Manifest
from gitopsd.model.operation import SyncRequest, Task
from gitopsd.model.project import DEFAULT, AppProject, SyncWindow
from gitopsd.model.status import AppStatus
from gitopsd.usecases.backend import AppView, ClusterState, ManagedResource, Manifests, RepositoryState, SourceDetails

REPO = RepoUrl("https://git.example/fleet.git")


class FakeBackend:
    """Applications by name; a refresh takes `pass_s`, or never ends where that is infinite."""

    def __init__(self, *views: AppView) -> None:
        self.apps = {view.application.name: view for view in views}
        self.pass_s = 0.0
        self.refreshed: list[tuple[str, bool]] = []
        self.cascaded: dict[str, bool] = {}
        self.rolled_back: dict[str, int] = {}
        self.confirmed: dict[str, float] = {}
        self.tasks: dict[int, Sequence[Task]] = {}  # of the history
        self.rendered: Manifests = Manifests(())
        self.managed: Sequence[ManagedResource] = ()
        self.details: Sequence[SourceDetails] = ()
        self.nodes: Sequence[TreeNode] = ()
        self.orphan_nodes: Sequence[TreeNode] = ()
        self.cluster_states: Sequence[ClusterState] = ()
        self.repository_states: Sequence[RepositoryState] = ()
        self.entries: Sequence[Drift] = ()
        self.wanted = DriftQuery()  # what was asked of them last
        self.audit_log: list[AuditEntry] = []  # the newest first
        self.objects: dict[str, Manifest] = {}  # live, by uid
        self.sync_windows: Sequence[SyncWindow] = ()  # of every application
        self.edits: list[tuple[AppName, str, LiveEdit]] = []  # application, uid, what was asked
        self.offered: Sequence[ObjectAction] = ()  # actions, for every object
        self.acts: list[tuple[AppName, str, str, Mapping[str, str]]] = []  # application, uid, action, parameters
        self.log_lines: Sequence[LogLine] = ()  # of every Pod
        self.log_faults: dict[str, GitopsError] = {}  # by Pod: it cannot be opened
        self.log_breaks: dict[str, GitopsError] = {}  # by Pod: it ends with it
        self.followed: dict[str, asyncio.Queue[LogLine]] = {}  # by Pod: its lines, without an end
        self.closed: set[str] = set()  # Pods whose logs were let go of
        self.log_queries: list[tuple[str, LogQuery]] = []
        self.bug: Exception | None = None  # raised by every list

    def candidates(self) -> Sequence[tuple[Application, AppStatus | None]]:
        if self.bug:
            raise self.bug
        return [(view.application, view.status) for _, view in sorted(self.apps.items())]

    def views(self, names: Sequence[AppName] | None = None) -> Sequence[AppView]:
        return [self.apps[name] for name in (self.apps if names is None else names) if name in self.apps]

    def view(self, name: AppName) -> AppView:
        if name not in self.apps:
            raise NotFound(f"application {name} does not exist", remedy="see the list of applications")
        return self.apps[name]

    def application(self, name: AppName) -> Application | None:
        return self.apps[name].application if name in self.apps else None

    async def drifts(self, wanted: DriftQuery) -> Sequence[Drift]:
        self.wanted = wanted
        return self.entries[: wanted.limit]

    async def drift(self, number: int) -> Drift | None:
        return next((entry for entry in self.entries if entry.id == number), None)

    async def refresh(self, name: AppName, *, hard: bool) -> None:
        self.view(name)
        await asyncio.sleep(self.pass_s)
        self.refreshed.append((name, hard))

    async def sync(self, name: AppName, request: SyncRequest) -> None:
        self.apps[name] = dataclasses.replace(self.view(name), request=request)

    async def confirm(self, name: AppName, at_s: float) -> None:
        self.view(name)
        self.confirmed[name] = at_s

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        if all(entry.id != history_id for entry in self.view(name).history):
            raise NotFound(f"{name} has no history entry {history_id}", remedy="see the history")
        return self.tasks.get(history_id, ())

    async def rollback(self, name: AppName, history_id: int, request: SyncRequest) -> None:
        if self.view(name).application.sync_policy.automated:
            raise Conflict(f"{name} is synced automatically", remedy="switch automated sync off first")
        self.rolled_back[name] = history_id
        await self.sync(name, request)

    async def terminate(self, name: AppName) -> None:
        if self.view(name).request is None:
            raise Conflict(f"{name}: no operation runs", remedy="there is nothing to do")
        self.apps[name] = dataclasses.replace(self.view(name), request=None)

    def record(self, entry: AuditEntry) -> None:
        self.audit_log.insert(0, dataclasses.replace(entry, id=len(self.audit_log) + 1, at_s=1000.0))

    def audited(self, query: AuditQuery) -> Sequence[AuditEntry]:
        found = [
            each
            for each in self.audit_log
            if query.app in ("", each.app)
            and query.by in ("", each.who)
            and each.at_s >= (query.since_s or 0)
            and (query.before is None or each.id < query.before)
        ]
        return found[: query.limit]

    async def delete(self, name: AppName, *, cascade: bool) -> None:
        self.view(name)
        del self.apps[name]
        self.cascaded[name] = cascade

    def windows(self, name: AppName) -> Sequence[SyncWindow]:
        self.view(name)
        return self.sync_windows

    def check_permitted(self, app: Application) -> None:
        if app.sources[0].repo_url != REPO:
            raise NotPermitted(f"project {app.project} does not permit it", remedy="add it to spec.sourceRepos")

    def declare(self, manifest: Manifest) -> None:
        app = declared(manifest, Origin(API_SOURCE))
        assert isinstance(app, Application)
        old = self.apps.get(app.name)
        self.apps[app.name] = dataclasses.replace(old, application=app) if old else AppView(app)

    async def manifests(self, name: AppName, revision: str) -> Manifests:
        self.view(name)
        return dataclasses.replace(self.rendered, revisions=(revision or "0" * 40,))

    async def sources(self, name: AppName) -> Sequence[SourceDetails]:
        self.view(name)
        return self.details

    async def managed_resources(self, name: AppName) -> Sequence[ManagedResource]:
        self.view(name)
        return self.managed

    async def read(self, name: AppName, node: TreeNode) -> Manifest | None:
        return self.objects.get(node.live.uid)

    async def edit(self, name: AppName, node: TreeNode, edit: LiveEdit) -> Manifest | None:
        self.edits.append((name, node.live.uid, edit))
        return self.objects.get(node.live.uid) if isinstance(edit, LivePatch) else None

    async def actions(self, name: AppName, node: TreeNode) -> Sequence[ObjectAction]:
        return self.offered

    async def act(self, name: AppName, node: TreeNode, action: str, params: Mapping[str, str]) -> None:
        self.acts.append((name, node.live.uid, action, params))

    async def log(self, name: AppName, pod: TreeNode, query: LogQuery) -> AsyncGenerator[LogLine]:
        self.log_queries.append((pod.live.key.name, query))
        if fault := self.log_faults.get(pod.live.key.name):
            raise fault.again()
        return self._log(pod.live.key.name)

    def follow(self, pod: str) -> asyncio.Queue[LogLine]:
        """Return where a test puts the lines of a Pod's log."""
        return self.followed.setdefault(pod, asyncio.Queue())

    async def _log(self, pod: str) -> AsyncGenerator[LogLine]:
        try:
            for line in self.log_lines:
                if pod not in self.followed:
                    yield dataclasses.replace(line, pod=pod)
            if breaks := self.log_breaks.get(pod):
                raise breaks.again()
            while pod in self.followed:
                yield dataclasses.replace(await self.followed[pod].get(), pod=pod)
        finally:
            self.closed.add(pod)

    async def events(self, name: AppName, node: TreeNode) -> Mapping[str, Any]:
        return {"kind": "EventList", "items": [{"involvedObject": {"uid": node.live.uid}}]}

    def orphans(self, name: AppName) -> Sequence[TreeNode]:
        self.view(name)
        return self.orphan_nodes

    def tree(self, name: AppName) -> Sequence[TreeNode]:
        self.view(name)
        return self.nodes

    def clusters(self) -> Sequence[ClusterState]:
        return self.cluster_states

    def repositories(self) -> Sequence[RepositoryState]:
        return self.repository_states

    def projects(self) -> Sequence[AppProject]:
        return (DEFAULT,)


def app_view(  # noqa: PLR0913 - every option has a default
    name: str,
    *,
    project: str = "default",
    labels: dict[str, str] | None = None,
    cluster: str = "c1",
    sync: SyncStatus = SyncStatus.SYNCED,
    health: HealthStatus = HealthStatus.HEALTHY,
) -> AppView:
    """Return an application as it is after a pass."""
    spec: dict[str, Any] = {
        "project": project,
        "source": {"repoURL": REPO, "path": name},
        "destination": {"name": cluster, "namespace": name},
    }
    application = Application(
        AppName(name),
        ProjectName(project),
        (Source(REPO, path=name, options=spec["source"]),),
        Destination(name=cluster, namespace=name),
        manifest={"metadata": {"name": name, "labels": labels or {}}, "spec": spec},
    )
    comparison = Comparison(sync, Health(health))
    return AppView(application, AppStatus(comparison, (Revision("1" * 40),), ClusterId(cluster), reconciled_s=1e9))

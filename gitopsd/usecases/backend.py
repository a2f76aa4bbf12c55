"""What the use cases need of the daemon, and the values that they show."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.action import ObjectAction
from gitopsd.model.application import Application
from gitopsd.model.audit import AuditEntry, AuditQuery
from gitopsd.model.cluster import WatchAge, WatchState
from gitopsd.model.comparison import Compared
from gitopsd.model.drift import Drift, DriftQuery
from gitopsd.model.edit import LiveEdit
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import GVK, Manifest
from gitopsd.model.operation import SyncRequest, Task
from gitopsd.model.project import AppProject, SyncWindow
from gitopsd.model.status import AppStatus, HistoryEntry


@dataclass(frozen=True, slots=True)
class AppView:
    """An application as it is shown: what was declared, and what gitopsd says of it."""

    application: Application
    status: AppStatus | None = None  # None before the first pass
    history: Sequence[HistoryEntry] = ()
    request: SyncRequest | None = None  # asked for and not taken up yet
    deleting_s: float | None = None  # Unix time at which its deletion was asked for; None: it was not
    watch_age_s: float | None = None  # since the quietest watch of its cluster said anything; None: no cluster


@dataclass(frozen=True, slots=True)
class Manifests:
    """The target of an application at one revision per source."""

    manifests: Sequence[Manifest]  # Secrets in the clear: use cases mask them
    revisions: Sequence[str] = ()
    source_type: str = ""
    namespace: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True)
class SourceDetails:
    """What a source of an application is."""

    repo: str
    type: str  # "Plugin" …; "" where it only lends files
    announced: Sequence[Mapping[str, Any]] = ()  # parameters of its plugin


@dataclass(frozen=True, slots=True)
class ManagedResource:
    """One object of an application, as diff views show it. Secrets in the clear: use cases mask them."""

    gvk: GVK
    namespace: str
    name: str
    target: Manifest | None = None  # None: not in Git
    live: Manifest | None = None  # None: not in the cluster, or unreadable
    normalized_live: Manifest | None = None  # live without what is not compared; None: as live
    predicted: Manifest | None = None  # live as an apply would make it; None: not asked
    compared: Compared | None = None  # the verdict of the last pass
    hook: bool = False


@dataclass(frozen=True, slots=True)
class ClusterState:
    name: ClusterId
    server: str  # URL
    version: str = ""  # of Kubernetes, as in "1.36"; "" where not known
    age: WatchAge | None = None  # None: no mirror runs yet
    apis: int = 0  # kinds that are served
    objects: int = 0  # in the mirror
    applications: int = 0
    lease: str = ""  # what a person should know of the lease by which one daemon writes; "" where all is well
    watches: tuple[WatchState, ...] = ()  # sorted by kind and namespace
    project: str = ""  # which it says it is of


@dataclass(frozen=True, slots=True)
class RepositoryState:
    url: RepoUrl
    fetched_s: float | None = None  # Unix time of the last good fetch; None: none yet
    error: str = ""  # of the last fetch; "" where it was good
    epoch: int = 0
    size_bytes: int = 0
    project: str = ""  # whose applications alone may read it


@dataclass(frozen=True, slots=True)
class VersionInfo:
    version: str
    commit: str = ""
    built: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)  # library → version


class Backend(Protocol):
    """The daemon behind the use cases. Names are given as the client wrote them; errors are of `gitopsd.errors`.

    Who may ask what is not its business, and what is done it writes down only where it is told to.
    """

    def candidates(self) -> Iterable[tuple[Application, AppStatus | None]]:
        """Return what lists choose from: all applications, by name, with what is shown of their status."""
        ...

    def views(self, names: Sequence[AppName] | None = None) -> Iterable[AppView]:
        """Return the applications of these names, in their order, but for those that are gone; None: all, in any."""
        ...

    def view(self, name: AppName) -> AppView:
        """Return one application, or raise NotFound."""
        ...

    def application(self, name: AppName) -> Application | None:
        """Return what is declared of one; None where there is no such one."""
        ...

    async def refresh(self, name: AppName, *, hard: bool) -> None:
        """Have a pass over the application and wait for its end; `hard` fetches and renders anew. Raises NotFound."""
        ...

    async def sync(self, name: AppName, request: SyncRequest) -> None:
        """Take up a sync; on return it is stored. Raises NotFound, NotPermitted, Conflict, StoreFailed."""
        ...

    async def rollback(self, name: AppName, history_id: int, request: SyncRequest) -> None:
        """Sync to what the history's entry `history_id` made live, with the options of `request`.

        Raises:
            NotFound: no such application or entry.
            Conflict: automated sync is on, or an operation runs.
        """
        ...

    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        """Return what became of the objects of a sync of the history. Raises NotFound."""
        ...

    async def terminate(self, name: AppName) -> None:
        """End the running operation. Raises NotFound, and Conflict where none runs."""
        ...

    async def confirm(self, name: AppName, at_s: float) -> None:
        """Approve the deletions of the application's that wait for a person. Raises NotFound."""
        ...

    async def delete(self, name: AppName, *, cascade: bool) -> None:
        """Delete the application, with `cascade` its objects first. Raises NotFound, Conflict."""
        ...

    def check_permitted(self, app: Application) -> None:
        """Return where its project permits what `app` reads and where it goes. Raises NotPermitted, UnknownCluster."""
        ...

    def declare(self, manifest: Manifest) -> None:
        """Store an Application that is declared by the API; on return it lasts. Raises StoreFailed."""
        ...

    def windows(self, name: AppName) -> Sequence[SyncWindow]:
        """Return the sync windows of its project that concern the application. Raises NotFound."""
        ...

    async def manifests(self, name: AppName, revision: str) -> Manifests:
        """Return the target at `revision` ("" is the epoch's)."""
        ...

    async def sources(self, name: AppName) -> Sequence[SourceDetails]:
        """Return what each source of the declaration is, at the epoch. Raises as `manifests` does."""
        ...

    async def managed_resources(self, name: AppName) -> Sequence[ManagedResource]:
        """Return target, live and predicted state of every object, live ones read from the cluster now."""
        ...

    def tree(self, name: AppName) -> Sequence[TreeNode]:
        """Return the application's live objects and what they own; of memory. Raises NotFound."""
        ...

    async def read(self, name: AppName, node: TreeNode) -> Manifest | None:
        """Return a live object from the cluster, Secrets in the clear; None where it is gone. No answer: Retryable."""
        ...

    async def edit(self, name: AppName, node: TreeNode, edit: LiveEdit) -> Manifest | None:
        """Write to a live object; return it as it is then, Secrets in the clear, None where it is deleted.

        Raises:
            NotFound, NotPermitted, Conflict, BadRequest, ClusterRefused, Retryable
        """
        ...

    async def actions(self, name: AppName, node: TreeNode) -> Sequence[ObjectAction]:
        """Return what is offered for a live object. Raises NotFound, BadRequest, WorkerFailed, and Retryable."""
        ...

    async def act(self, name: AppName, node: TreeNode, action: str, params: Mapping[str, str]) -> None:
        """Run an action on a live object. Raises as `edit`, and WorkerFailed."""
        ...

    async def log(self, name: AppName, pod: TreeNode, query: LogQuery) -> AsyncGenerator[LogLine]:
        """Return the lines of a container's log. Raises NotFound, BadRequest, ClusterRefused, and Retryable."""
        ...

    async def events(self, name: AppName, node: TreeNode) -> Mapping[str, Any]:
        """Return the events of a live object as Kubernetes lists them. Raises as `log`."""
        ...

    def orphans(self, name: AppName) -> Sequence[TreeNode]:
        """Return what lies in its namespace and is of no application, and what that owns, where its project asks."""
        ...

    def record(self, entry: AuditEntry) -> None:
        """Write into the audit log, durably. Raises StoreFailed."""
        ...

    def audited(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Return entries of the audit log, the newest first."""
        ...

    async def drifts(self, query: DriftQuery) -> Sequence[Drift]:
        """Return entries of the drift ledger, the newest first."""
        ...

    async def drift(self, number: int) -> Drift | None:
        """Return one entry of the drift ledger; None where there is no such one."""
        ...

    def clusters(self) -> Sequence[ClusterState]: ...
    def repositories(self) -> Sequence[RepositoryState]: ...
    def projects(self) -> Sequence[AppProject]: ...

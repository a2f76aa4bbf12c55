"""What the shell needs of the world: one Protocol per neighbour, one to three verbs where that is enough.

The edges implement them; `daemon/` joins both sides. Every method that does traffic is async; it raises a
`Retryable` or a `Terminal` of `gitopsd.errors`, never a library's own error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gitopsd.errors import PartNotFetched
from gitopsd.model.application import Application, Source
from gitopsd.model.cluster import ApiResource, LiveObject, WatchAge
from gitopsd.model.command import Accepted, Answer, Applied, Command, ObjectRef
from gitopsd.model.comparison import Reading, Remembered
from gitopsd.model.drift import Drift
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, ClusterId, ProjectName, RepoUrl, Revision
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey
from gitopsd.model.operation import Operation, SyncRequest, Task
from gitopsd.model.project import AppProject, IntegrityPolicy
from gitopsd.model.status import AppStatus, Condition, HistoryEntry

Clock = Callable[[], float]  # Unix time in seconds; the only one is made in daemon/run.py


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a ref names in a repository's epoch."""

    revision: Revision
    epoch: int  # counts up; 0 is the first snapshot of this process
    taken_s: float  # Unix time at which the epoch was last confirmed by a fetch


class Sources(Protocol):
    """Git: one epoch per repository."""

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        """Return what `ref` is in the repository's epoch, without traffic; versions are of tags with `tag_prefix`.

        Raises:
            RepositoryUnreachable: the repository has no epoch yet; carries the last fetch's error.
            RevisionNotFound: the epoch has no such ref.
        """
        ...

    async def fetch(self, repo: RepoUrl) -> None:
        """Bring the repository's epoch up to date; one fetch at a time, callers meanwhile share the next one."""
        ...


class Parts(Protocol):
    """What a render may need beside a commit: submodules, and files in Git LFS."""

    async def fetch(self, err: PartNotFetched, permits: Callable[[RepoUrl], bool]) -> None:
        """Fetch the part whose lack `err` tells of; `permits` tells whether it may come from a repository.

        Raises:
            NotPermitted: it may not.
            RevisionNotFound, InvalidDeclaration: there is no such part.
            RepositoryUnreachable, RepositoryTooLarge, TooSlow: it cannot be had now.
        """
        ...


class Signatures(Protocol):
    """Whether commits are signed by those whom a project trusts."""

    async def verify(
        self, repo: RepoUrl, ref: str, revision: Revision, policy: IntegrityPolicy, tag_prefix: str = ""
    ) -> None:
        """Return if `revision`, which `ref` was resolved to, satisfies `policy`.

        Raises:
            NotTrusted: it does not; names the commit and why.
            RepositoryUnreachable, TooSlow: that cannot be told now.
        """
        ...


@dataclass(frozen=True, slots=True)
class RenderedSource:
    """The desired manifests of one source at one revision."""

    manifests: tuple[Manifest, ...]  # in the order of the files; Lists flattened; every one has apiVersion, kind, name
    source_type: str  # "Directory" …
    warnings: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # `file:line` of each manifest
    key: str = ""  # of the cache: equal where the inputs and all that was read are
    looked_up: tuple[str, ...] = ()  # where the render looked, variables included (keys of a closure)
    announced: tuple[Mapping[str, Any], ...] = ()  # parameters of its plugin, as Argo CD's ParameterAnnouncement
    nameless: tuple[str, ...] = ()  # objects left out because they have no name: where, and what


@dataclass(frozen=True, slots=True)
class Lent:
    """A source that lends its files to others of its application by its `ref`, at its epoch's revision."""

    source: Source
    revision: Revision


class Renderer(Protocol):
    """Git tree → desired manifests, by closure from the cache or by a worker."""

    async def render(
        self,
        app: AppName,
        source: Source,
        revision: Revision,
        variables: Mapping[str, str] = ...,
        lent: Sequence[Lent] = ...,
    ) -> RenderedSource:
        """Return the desired manifests of `source` at `revision`; `variables` is the build environment.

        It may read from what other sources lend it.

        Raises:
            PathNotFound, InvalidManifest, NotSupported, WorkerFailed: Terminal for this revision.
            RepositoryUnreachable, TooSlow: Retryable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory in a Git tree."""

    name: str
    kind: str  # "blob" | "tree" | "link" | "commit" (a submodule)
    executable: bool = False


class Tree(Protocol):
    """The files of one revision, read from the object database; every look-up is recorded (D1).

    Paths are relative to the repository's root, with "/" and without "." and "..": what leaves the root raises
    `PathNotFound`. Links inside the repository are followed, and recorded with what they point at.
    """

    revision: Revision

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return a file's content; None where there is no file. More than `max_bytes` raises InvalidManifest."""
        ...

    def blob(self, path: str) -> str | None:
        """Return what names a file's content: its object id (hex), or more; None where there is no file."""
        ...

    def list(self, path: str) -> Sequence[Entry] | None:
        """Return a directory's entries sorted by name; None where there is no directory."""
        ...

    def real(self, path: str) -> str:
        """Return where `path` leads once its links are followed, "" for the root; nothing need be there."""
        ...

    def closure(self) -> Mapping[str, str]:
        """Return every look-up so far: `kind:path` → what was seen ("" for what was not there).

        Kinds: `file` → mode and object id; `list` → hash of the entries' names and types; `link` → object id.
        """
        ...

    def links(self) -> Mapping[str, str]:
        """Return every link followed so far: its path → what it points at, which is inside the repository."""
        ...

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        """Look up what another render looked up (keys of `closure()`), and return it in the same form."""
        ...


class LiveStates(Protocol):
    """The mirrors of all clusters. Reads are of memory, and never wait."""

    def resource(self, cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        """Return how the cluster serves `gvk`; `Unserved` where it does not, `Unreadable` where that is not known."""
        ...

    def readings(
        self, cluster: ClusterId, app: AppName, wanted: Collection[ObjectRef]
    ) -> Mapping[ResourceKey, Reading]:
        """Return the reading of every wanted object and of every object that carries the application's tracking id.

        A wanted kind that is not watched yet becomes watched, and its objects read `Unreadable(pending=True)`.
        """
        ...

    def written(self, cluster: ClusterId, answer: Accepted) -> None:
        """Note the answer to a write of ours.

        Until the watch has told of it, or some seconds have passed, the object reads `Unreadable(pending=True)`: no
        verdict is given on what is known to be old.
        """
        ...

    def unowned(self, cluster: ClusterId, namespace: str) -> Sequence[tuple[GVK, LiveObject]]:
        """Return the objects of watched kinds in a namespace that name no owner; of very many, some."""
        ...

    def age(self, cluster: ClusterId) -> WatchAge: ...

    def admission(self, cluster: ClusterId, gvk: GVK) -> str:
        """Return the admission hash of a kind (D5): its CRD, the webhook configurations and admission policies."""
        ...


class Applier(Protocol):
    """Writes to clusters, and asks them."""

    def acting_as(self, user: str) -> Applier:
        """Return one that writes, and asks what a write would do, in the name of `user`; "" is gitopsd itself."""
        ...

    async def dry_run(self, cluster: ClusterId, manifest: Manifest, *, takeover: bool = False) -> Answer:
        """Ask what a server-side apply of `manifest` would make of the live object. No answer raises Retryable.

        With `takeover` that is its first apply, which takes over what legacy managers set.
        """
        ...

    async def read(self, cluster: ClusterId, ref: ObjectRef) -> Manifest | None:
        """GET one object; None on 404."""
        ...

    async def run(self, cluster: ClusterId, command: Command) -> Applied:
        """Run one command. A refusal is a result; no answer raises Retryable."""
        ...


class Diagnostics(Protocol):
    """Asks a cluster what it has to say of an object that failed."""

    async def evidence(self, cluster: ClusterId, live: LiveObject) -> Sequence[str]:
        """Return the events of `live` and of its Pods, and the last lines of their logs.

        The lines are as the cluster gives them, and may hold values of Secrets; what cannot be had is left out.
        """
        ...


class Inventory(Protocol):
    """What applications left in clusters, and what was once shown in sync. Survives a restart."""

    def remembered(self, app: AppName, cluster: ClusterId) -> Mapping[ResourceKey, Remembered]: ...

    def remember(self, app: AppName, cluster: ClusterId, shown: Mapping[ResourceKey, Remembered | None]) -> None:
        """Store what the server has shown in sync; None forgets."""
        ...

    def elsewhere(self, app: AppName, but: ClusterId) -> Mapping[ClusterId, frozenset[ResourceKey]]:
        """Return what was once shown in sync in other clusters than `but`, and was not forgotten."""
        ...

    def targets(self, app: AppName) -> frozenset[tuple[ClusterId, ResourceKey]]:
        """Return the objects of the application's last known target."""
        ...

    def put_targets(self, app: AppName, cluster: ClusterId, keys: Collection[ResourceKey]) -> None:
        """Store the application's target as known now; nothing is written where it did not change."""
        ...

    def delete_hooks(self, app: AppName) -> Sequence[Manifest]:
        """Return the hooks of the application's last known target that are run when it is deleted, in apply form."""
        ...

    def put_delete_hooks(self, app: AppName, hooks: Sequence[Manifest]) -> None:
        """Store them; nothing is written where they did not change."""
        ...

    def approved_s(self, app: AppName) -> float | None:
        """Return the Unix time at which a person last approved deletions of the application's; None: never."""
        ...

    def approve(self, app: AppName, at_s: float) -> None:
        """Store that a person approves deletions."""
        ...

    def wanted_by(self, cluster: ClusterId, key: ResourceKey) -> frozenset[AppName]:
        """Return the applications whose last known target holds the object."""
        ...

    def wanting(self, cluster: ClusterId, inside: Callable[[ResourceKey], bool]) -> frozenset[AppName]:
        """Return the applications whose last known target holds an object of which `inside` tells so."""
        ...


class DriftLedger(Protocol):
    """The record of what was changed in clusters behind Git's back."""

    def new_id(self) -> int:
        """Return the number of the next entry."""
        ...

    def append(self, entries: Iterable[Drift]) -> None:
        """Take new entries, and ends of old ones; returns at once, and they are written soon."""
        ...


class Applications(Protocol):
    """Declarations, operations, history and published status."""

    def get(self, name: AppName) -> Application | None: ...
    def all(self) -> Iterable[Application]: ...
    def project(self, name: ProjectName) -> AppProject | None: ...
    def contested(self, name: AppName) -> Sequence[Condition]:
        """Return a condition where others declare something else under the application's name, in vain."""
        ...

    def status(self, name: AppName) -> AppStatus | None: ...
    def publish(self, name: AppName, status: AppStatus) -> None:
        """Make `status` what API, CLI, events and metrics show; in memory, derived anew after a restart."""
        ...

    def request(self, name: AppName) -> SyncRequest | None: ...
    def ask(self, name: AppName, request: SyncRequest | None) -> None:
        """Store what a person asked for, or that it has been taken up (None)."""
        ...

    def operation(self, name: AppName) -> Operation | None: ...
    def put_operation(self, operation: Operation) -> None:
        """Store the operation; durable on return. One that is over also enters the history."""
        ...

    def history(self, name: AppName) -> Sequence[HistoryEntry]: ...
    def results(self, name: AppName, history_id: int) -> Sequence[Task]:
        """Return the tasks of a sync of the history, the most telling ones (`core.sync.diagnostics.most_telling`)."""
        ...

    def deleting(self, name: AppName) -> bool:
        """Tell whether the application is being deleted with its objects (cascade)."""
        ...

    def delete(self, name: AppName, *, cascade: bool) -> None:
        """Begin to delete: with `cascade` a pass prunes all its objects first, without it the declaration goes now."""
        ...

    def forget(self, name: AppName) -> None:
        """Drop the declaration and everything stored for it."""
        ...


class Declarations(Protocol):
    """Takes the manifests of an application of applications, or of a declaration source."""

    def declare(
        self, source: str, manifests: Sequence[Manifest], origins: Sequence[str], *, complete: bool, prune: bool
    ) -> Sequence[str]:
        """Validate and store Application and AppProject manifests of `source`; return one warning per broken one.

        Declarations of `source` that `manifests` lacks are removed only if `prune` and `complete` (everything was
        read, nothing was broken) and `manifests` is not empty; else they stay, and a warning says so. One that is
        removed is deleted with its objects (`Applications.deleting`) where its finalizer says so, else forgotten. Of
        several declarations of one name an operator's goes before an application's, and then the first.
        """
        ...

    def undeclare(self, source: str) -> None:
        """Remove every declaration of `source`, each as `declare` removes one; its application is being deleted."""
        ...


class Workers(Protocol):
    """The pool of killable processes."""

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        """Run `module:function` with JSON values in a worker and return its JSON value.

        Raises:
            WorkerFailed: the worker crashed, hit a limit, or its deadline passed; names the job.
            GitopsError: raised by the job itself, of the class it was raised with.
        """
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What a user's health check says of one object."""

    health: Health | None  # None: nothing
    again_s: float | None = None  # the check could not be run: ask again after so long; None: that is its answer


class HealthChecks(Protocol):
    """Users' health checks, run in workers; they go before those of `core.health`."""

    def has(self, kind: GroupKind) -> bool:
        """Tell whether there is a check for `kind`; of memory."""
        ...

    async def check(self, kind: GroupKind, text: str) -> Checked:
        """Return how the object does that `text` is as JSON. What fails is Unknown with the reason, never raised."""
        ...


class IgnoredPaths(Protocol):
    """Users' jq expressions, tried in workers."""

    async def paths(
        self, expressions: Sequence[str], documents: Sequence[Manifest]
    ) -> Sequence[Sequence[tuple[str, ...]]]:
        """Return for each document what the expressions name in it, as JSON pointers taken apart.

        Raises:
            InvalidDeclaration: an expression is no jq.
            WorkerFailed: one did not end in time, or took too much.
        """
        ...

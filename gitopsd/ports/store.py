"""What a pass needs to last: declarations, operations, the inventory of targets, the ledger of drift."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from gitopsd.model.application import Application
from gitopsd.model.comparison import Remembered
from gitopsd.model.drift import Drift
from gitopsd.model.ids import AppName, ClusterId, ProjectName
from gitopsd.model.manifest import Manifest, ResourceKey
from gitopsd.model.operation import Operation, SyncRequest, Task
from gitopsd.model.project import AppProject
from gitopsd.model.status import AppStatus, Condition, HistoryEntry


class Inventory(Protocol):
    """What applications left in clusters, and what was once shown in sync. Survives a restart."""

    def remembered(self, app: AppName, cluster: ClusterId) -> Mapping[ResourceKey, Remembered]: ...

    def remember(self, app: AppName, cluster: ClusterId, proofs: Mapping[ResourceKey, Remembered | None]) -> None:
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

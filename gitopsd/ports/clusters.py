"""What a pass needs of clusters: live state, writes, what failed, and users' scripts over live objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitopsd.model.cluster import ApiResource, LiveObject, RefusedAt, WatchAge
from gitopsd.model.command import Accepted, Answer, Applied, Command, ObjectRef
from gitopsd.model.comparison import Reading
from gitopsd.model.health import Health
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey


class LiveStates(Protocol):
    """The mirrors of all clusters. Reads are of memory, and never wait."""

    def resource(self, cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        """Return how the cluster serves `gvk`; `Unserved` where it does not, `Unreadable` where that is not known."""
        ...

    def readings(self, cluster: ClusterId, app: AppName, refs: Collection[ObjectRef]) -> Mapping[ResourceKey, Reading]:
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

    def refused(self, cluster: ClusterId, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        """Remember where `sync`, the id of the last one, was refused; return whether what that may rest on has changed.

        Without places it was not. Of a change the application is told, but not all that one thing refused at once.
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

"""The mirrors of all clusters, as the shell sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.errors import UnknownCluster
from gitopsd.kube.client import KubeClient
from gitopsd.live.cluster import ClusterMirror
from gitopsd.live.decode import Decoder
from gitopsd.live.fair_slots import Lists
from gitopsd.live.scope import WatchScope
from gitopsd.live.watch import REFRESH_S
from gitopsd.model.cluster import ApiResource, LiveObject, Offered, RefusedAt, WatchAge, WatchState
from gitopsd.model.command import Accepted, ObjectRef
from gitopsd.model.comparison import Reading
from gitopsd.model.ids import AppName, ClusterId, ResourceVersion, Uid
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey
from gitopsd.model.residents import Resident, Residents
from gitopsd.ports import HealthChecks

MOST_UNOWNED = 10_000  # looked at for orphans; more would hold up the loop


@dataclass(frozen=True, slots=True)
class Size:
    version: str  # of the API server; "" before it has told
    kinds: int  # watched in full
    objects: int  # of those kinds


class LiveMirrors:
    """Implements `ports.LiveStates`. Each of `mirrors` is a service to run; every read is of memory and never waits."""

    def __init__(  # noqa: PLR0913 - what it reads, and whom it tells
        self,
        clients: Mapping[ClusterId, KubeClient],
        *,
        kinds: Callable[[ClusterId], Collection[GroupKind]],
        on_change: Callable[[AppName], None],
        on_cluster: Callable[[ClusterId], None] = lambda _: None,
        on_offer: Callable[[ClusterId], None] = lambda _: None,
        on_events: Callable[[ClusterId, GVK, int], None] = lambda *_: None,
        takeover: Collection[str] = (),
        tracking: Tracking = ANNOTATION,
        checks: HealthChecks | None = None,
        excluded: Callable[[ClusterId, GroupKind], bool] = lambda *_: False,
        refresh_s: float = REFRESH_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make mirrors that are empty until they run.

        Args:
            clients: one for each cluster, open while the mirrors run.
            kinds: the kinds of a cluster's stored inventory, watched from the start.
            on_change: told of an application when one of its objects, or one it asked for, is different.
            on_cluster: told of a cluster when its first lists are in or cannot be had, and when it answers again.
            on_offer: told of a cluster that offers other kinds, or another version, than before.
            on_events: told how many events of a kind a cluster's watches brought.
            takeover: managers that the first apply takes over.
            tracking: how objects say which application they are of.
            checks: users' health checks; they go before those of gitopsd.
            excluded: kinds of a cluster of which nothing is read.
            refresh_s: what a connection may have lost is found by a list within this time.
            now_s: a clock that only goes forward, for the age of watches.
        """
        decoder = Decoder(frozenset(takeover), tracking)
        lists = Lists()
        self.mirrors: Mapping[ClusterId, ClusterMirror] = {
            cluster: ClusterMirror(
                client,
                decoder,
                lists,
                kinds=partial(kinds, cluster),
                on_change=on_change,
                on_cluster=partial(on_cluster, cluster),
                on_offer=partial(on_offer, cluster),
                on_events=partial(on_events, cluster),
                now_s=now_s,
                checks=checks,
                refresh_s=refresh_s,
                bounds=WatchScope(
                    client.settings.namespaces, client.settings.cluster_resources, partial(excluded, cluster)
                ),
            )
            for cluster, client in clients.items()
        }

    def resource(self, cluster: ClusterId, gvk: GVK) -> ApiResource | Reading:
        """Return how the cluster serves `gvk`; a GVK whose version is "" asks for the preferred one."""
        return self._of(cluster).resource(gvk)

    def readings(self, cluster: ClusterId, app: AppName, refs: Collection[ObjectRef]) -> Mapping[ResourceKey, Reading]:
        return self._of(cluster).readings(app, refs)

    def offered(self, cluster: ClusterId) -> Offered | None:
        """Return what the cluster offers; None where that is not known yet."""
        return self._of(cluster).offered

    def written(self, cluster: ClusterId, answer: Accepted) -> None:
        self._of(cluster).written(answer)

    def size(self, cluster: ClusterId) -> Size:
        """Return how much the mirror holds."""
        mirror = self._of(cluster)
        kinds = mirror.mirror.kinds
        return Size(mirror.version, len(kinds), sum(len(kind.objects) for kind in kinds.values()))

    def age(self, cluster: ClusterId) -> WatchAge:
        return self._of(cluster).age()

    def watches(self, cluster: ClusterId) -> tuple[WatchState, ...]:
        """Return every list-watch of the cluster, sorted by kind and namespace."""
        return self._of(cluster).watches()

    def silent(self, cluster: ClusterId, after_s: float) -> frozenset[GroupKind]:
        """Return the kinds of which nothing was heard for longer; those that fail are not among them."""
        return self._of(cluster).silent(after_s)

    def refused(self, cluster: ClusterId, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        return self._of(cluster).refused(app, sync, places)

    def admission(self, cluster: ClusterId, gvk: GVK) -> str:
        return self._of(cluster).admission(gvk)

    def version_of(self, cluster: ClusterId, key: ResourceKey) -> ResourceVersion | None:
        """Return the version that the mirror holds of an object; None where it holds none."""
        for gvk, kind in self._of(cluster).mirror.kinds.items():
            if (gvk.group, gvk.kind) == (key.group, key.kind) and key in kind.objects:
                return kind.objects[key].resource_version
        return None

    def children(self, cluster: ClusterId, uid: Uid) -> tuple[tuple[GVK, LiveObject], ...]:
        """Return the objects that name `uid` among their owners, sorted by key."""
        return self._of(cluster).mirror.children(uid)

    def unowned(self, cluster: ClusterId, namespace: str) -> Sequence[tuple[GVK, LiveObject]]:
        return tuple(islice(self._of(cluster).mirror.unowned(namespace), MOST_UNOWNED))

    def claimed(self, cluster: ClusterId, live: LiveObject) -> tuple[tuple[GVK, LiveObject], ...]:
        """Return the PersistentVolumeClaims of a StatefulSet that name no owner, sorted by key."""
        return self._of(cluster).mirror.claimed(live)

    async def look(
        self, cluster: ClusterId, holder: LiveObject, roots: Collection[Uid], counts: Callable[[Resident], bool]
    ) -> Residents:
        """Ask the cluster what lives in `holder` and counts (`ResidentsOf.look`)."""
        return await self._of(cluster).residents.look(holder, roots, counts)

    def _of(self, cluster: ClusterId) -> ClusterMirror:
        mirror = self.mirrors.get(cluster)
        if mirror is None:
            raise UnknownCluster(f"there is no cluster {cluster}", remedy="name one of the settings' clusters")
        return mirror

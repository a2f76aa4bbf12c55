"""What lives in the objects that an application would delete: asked for the plan, and right before the delete."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from gitopsd.core.compare.pairing import owns
from gitopsd.core.sync.prune import Guard
from gitopsd.core.sync.residents import Leaver, stays, whose
from gitopsd.core.target.options import hook_types
from gitopsd.model.cluster import LiveObject
from gitopsd.model.comparison import Found
from gitopsd.model.ids import AppName, ClusterId, Uid
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.residents import NAMESPACE, Resident, Residents, is_holder
from gitopsd.ports import Applications, Clock
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.request import PassRequest
from gitopsd.reconcile.snapshot import Snapshot

BUSY_S = 2.0  # how old what a pass plans with may be while a sync runs; right before a delete it is asked anew …
CALM_S = 10.0  # … and how old what is only shown


class ResidentSource(Protocol):
    """Asks a cluster."""

    async def look(
        self, cluster: ClusterId, holder: LiveObject, roots: Collection[Uid], counts: Callable[[Resident], bool]
    ) -> Residents:
        """Return what lives in `holder` and counts; what cannot be read may live there.

        `roots` are the objects that go with it: what they own does, too.
        """
        ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who deletes, and where."""

    cluster: ClusterId
    guard: Guard
    stays: frozenset[ResourceKey] = frozenset()  # what Git holds
    roots: frozenset[Uid] = frozenset()  # objects that go


@dataclass(frozen=True, slots=True)
class Holders:
    """Looks at the objects in which others may live."""

    apps: Applications
    destinations: Destinations
    targets: TargetIndex
    clusters: ResidentSource
    now_s: Clock
    _known: dict[tuple[AppName, ClusterId, Uid], tuple[float, Residents]] = field(default_factory=dict)

    async def seen(self, orders: PassRequest, aim: Snapshot) -> Snapshot:
        """Return `aim` with a guard that knows what lives in what the application may delete."""
        target, going = aim.target, orders.deleting
        staying = frozenset() if going else frozenset({*target.objects, *target.held} - {aim.guard.home})
        lives = [reading.live for reading in aim.readings.values() if isinstance(reading, Found)]
        gone = [live for live in lives if owns(aim.guard.app, live) and live.key not in staying]
        leaving = Leaving(aim.cluster, aim.guard, staying, frozenset(live.uid for live in gone))
        operation = self.apps.operation(aim.guard.app)
        busy = going or (operation is not None and not operation.phase.over)
        goes = [live for live in lives if live in gone or _is_hook(live, aim.guard.app)]
        holders = [live for live in goes if is_holder(live.key) and not live.deleting and live.key != aim.guard.home]
        residents = {live.key: await self._known_of(live, leaving, BUSY_S if busy else CALM_S) for live in holders}
        guard = replace(aim.guard, residents=residents)
        return replace(aim, guard=guard, residents_now=partial(self.of, leaving=leaving))

    async def of(self, live: LiveObject, leaving: Leaving) -> Residents:
        """Ask now what lives in `live` and is not to go with it."""
        guard, cluster, gone = leaving.guard, leaving.cluster, set[AppName]()
        leaver = Leaver(guard.app, guard.options, leaving.stays, guard.adopted, guard.deleting)

        def counts(resident: Resident) -> bool:
            if not stays(resident, leaver):
                return False
            other = whose(resident.live)
            if other is None or other == guard.app or not self.apps.deleting(other):
                return True
            gone.add(other)
            return False

        residents = await self.clusters.look(cluster, live, leaving.roots, counts)
        return replace(residents, wanting=self._wanting(live.key, residents.defines, leaving), leaving=frozenset(gone))

    async def _known_of(self, live: LiveObject, leaving: Leaving, age_s: float) -> Residents:
        now_s, question = self.now_s(), (leaving.guard.app, leaving.cluster, live.uid)
        for old in [one for one, (at_s, _) in self._known.items() if not 0 <= now_s - at_s < CALM_S]:
            del self._known[old]
        at_s, cached = self._known.get(question, (0.0, None))
        if cached is None or now_s - at_s >= age_s:
            cached = await self.of(live, leaving)
            self._known[question] = now_s, cached
        return cached

    def _wanting(self, holder: ResourceKey, kind: GroupKind | None, leaving: Leaving) -> frozenset[AppName]:
        """Return the applications that want objects in `holder`, whether or not they are there."""
        apps, app = self.apps, leaving.guard.app

        def inside(key: ResourceKey) -> bool:
            return key.namespace == holder.name if holder.group_kind == NAMESPACE else key.group_kind == kind

        wanting = self.targets.inventory.wanting(leaving.cluster, inside)
        if holder.group_kind == NAMESPACE:
            going_there = (other for other in apps.all() if other.destination.namespace == holder.name)
            there = (other for other in going_there if self.destinations.cluster_of(other) == leaving.cluster)
            wanting |= {other.name for other in there} - {app}
        mine = frozenset({app}) if leaving.guard.deleting else frozenset()
        return frozenset(name for name in wanting - mine if not apps.deleting(name))


def _is_hook(live: LiveObject, app: AppName) -> bool:
    return live.tracking is not None and live.tracking.app == app and bool(hook_types(live.marks))

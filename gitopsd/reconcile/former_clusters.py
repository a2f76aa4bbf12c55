"""What an application left in clusters that it went to before: it is told, and pruned as the options say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from gitopsd.core.compare.pairing import known_of, owns
from gitopsd.core.sync import former_clusters as behind
from gitopsd.core.sync.plan import deletion_of
from gitopsd.core.sync.prune import Guard, options_of, prune_refusal
from gitopsd.core.sync.windows import blocked
from gitopsd.core.target.order import task_order
from gitopsd.errors import GitopsError
from gitopsd.model.application import Mode
from gitopsd.model.cluster import LiveObject
from gitopsd.model.command import Accepted, ObjectRef, Prune
from gitopsd.model.comparison import Comparison, Found, Reading, Unreadable
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.model.operation import Operation
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.residents import is_holder
from gitopsd.model.status import Condition
from gitopsd.ports import Applier, Clock
from gitopsd.reconcile.snapshot import Leaving, Snapshot, Snapshots
from gitopsd.runtime.tasks import at_most

log = structlog.get_logger()

PRUNES_AT_ONCE = 8
AGAIN_S = 10.0  # what was refused, or waits for other applications, is asked for again after so long


@dataclass(frozen=True, slots=True)
class Leftovers:
    conditions: tuple[Condition, ...] = ()
    again_after_s: float | None = None
    any: bool = False  # something is there that goes with its application


NOTHING = Leftovers()


@dataclass(frozen=True, slots=True)
class FormerClusters:
    """Looks after it. What was once shown in sync in another cluster is in the inventory until it is gone."""

    snapshots: Snapshots
    applier: Applier
    now_s: Clock
    fenced: Callable[[ClusterId], str]  # why nothing may be written to a cluster now

    async def look(
        self, request: PassRequest, snapshot: Snapshot, compared: Comparison, last: Operation | None
    ) -> Leftovers:
        """Prune what may go by now, and say of each cluster what is left there.

        Args:
            request: of the application.
            snapshot: where it goes now.
            found: of that.
            last: the running or the last operation.
        """
        inventory, name = self.snapshots.targets.inventory, request.app.name
        # A cluster that is no longer in the settings is let go of.
        clusters = {
            where: keys for where, keys in inventory.elsewhere(name, snapshot.cluster).items() if self._known(where)
        }
        if not clusters:
            return NOTHING
        reason = behind.unsettled(request.app.sync_policy, request.deleting, compared, last, snapshot.target.hash)
        if snapshot.mode is Mode.OBSERVE:
            reason = "mode is observe"
        looked = [
            await self._in(request, snapshot, cluster, keys, (reason, last))
            for cluster, keys in sorted(clusters.items())
        ]
        conditions = tuple(condition for leftovers in looked for condition in leftovers.conditions)
        again = AGAIN_S if any(leftovers.again_after_s for leftovers in looked) else None
        return Leftovers(conditions, again, any(leftovers.any for leftovers in looked))

    def _known(self, cluster: ClusterId) -> bool:
        return cluster in self.snapshots.destinations.clusters

    async def _in(
        self,
        request: PassRequest,
        snapshot: Snapshot,
        cluster: ClusterId,
        keys: Collection[ResourceKey],
        so_far: tuple[str, Operation | None],
    ) -> Leftovers:
        reason, last = so_far
        if not self.snapshots.live.age(cluster).readable:
            unread = self.snapshots.unseen(cluster).what
            return Leftovers((behind.unseen(cluster, len(keys), unread),), AGAIN_S, any=True)
        readings = self._readings(request, snapshot, cluster, keys)
        lives = [reading.live for reading in readings.values() if isinstance(reading, Found)]
        unread = next((reading.cause for reading in readings.values() if isinstance(reading, Unreadable)), "")
        if not readings:
            return NOTHING
        since_s = last.started_s if last is not None else self.now_s()
        refusals: Mapping[ResourceKey, str] = {}
        reason = reason or self._shut(request, cluster)
        if not reason:
            refusals = await self._prune(request, cluster, lives, since_s)
            reason = next(iter(refusals.values()), "")
        condition = behind.condition(cluster, sorted(readings), reason or unread)
        waits = bool(refusals or unread)
        staying = [key for key in readings if not await self._stays(request, cluster, readings[key], since_s)]
        return Leftovers((condition,), AGAIN_S if waits else None, any=bool(staying))

    def _readings(
        self, request: PassRequest, snapshot: Snapshot, cluster: ClusterId, keys: Collection[ResourceKey]
    ) -> dict[ResourceKey, Reading]:
        """Return the readings of what is still the application's there; of what is not, the inventory forgets."""
        app, live = request.app.name, self.snapshots.live
        refs = [ObjectRef(key, GVK(key.group, "", key.kind)) for key in sorted(keys)]
        readings = dict(live.readings(cluster, app, refs))
        if not self.snapshots.tracking.installation:
            readings |= {key: known_of(app, readings[key]) for key in keys}
        here = {reading.live.uid for reading in snapshot.readings.values() if isinstance(reading, Found)}

        def is_left(reading: Reading) -> bool:
            # Two names of the settings may be of one cluster: the same object is then where it is to be.
            owned = isinstance(reading, Found) and owns(app, reading.live) and reading.live.uid not in here
            return owned or isinstance(reading, Unreadable)

        leftovers = {key: readings[key] for key in sorted(keys) if is_left(readings[key])}
        gone = set(keys) - leftovers.keys()
        if gone:
            self.snapshots.targets.inventory.remember(app, cluster, dict.fromkeys(gone))
        if not leftovers:
            live.readings(cluster, app, [])  # it asks for nothing there any more
        return leftovers

    def _shut(self, request: PassRequest, cluster: ClusterId) -> str:
        shut = blocked(self.snapshots.destinations.windows(request.app, cluster), self.now_s())
        if shut is not None and not request.deleting:
            return shut.reason
        return self.fenced(cluster)

    async def _prune(
        self, request: PassRequest, cluster: ClusterId, lives: Sequence[LiveObject], since_s: float
    ) -> Mapping[ResourceKey, str]:
        """Delete what may go; return why an object does not."""

        async def prune(live: LiveObject) -> tuple[ResourceKey, str]:
            return live.key, await self._pruned(request, cluster, live, since_s)

        ordered = sorted(lives, key=lambda live: task_order(deletion_of(live)))
        refusals = await at_most(PRUNES_AT_ONCE, ordered, prune, name=f"prune {request.app.name} in {cluster}")
        return {key: reason for key, reason in refusals if reason}

    async def _pruned(self, request: PassRequest, cluster: ClusterId, live: LiveObject, since_s: float) -> str:
        app = request.app
        if live.deleting:
            return ""
        if self.snapshots.apps.get(app.name) is None:
            return "the application is not declared any more"
        guard = await self._guard(request, cluster, live, deleting=request.deleting)
        refusal = prune_refusal(live, guard, since_s)
        if refusal is not None:
            return refusal.reason
        try:
            user = self.snapshots.destinations.permitted(app, cluster, live.key)
            command = Prune(live.key, live.uid, live.resource_version, options_of(live, guard.options).propagation)
            result = await self.applier.acting_as(user).run(cluster, command)
        except GitopsError as err:
            return err.what
        if not isinstance(result, Accepted):
            return f"{result.message} ({result.code})"
        log.info("behind.pruned", cluster=cluster, object=str(live.key))
        if result.changed:
            self.snapshots.live.written(cluster, result)
        return ""

    async def _guard(self, request: PassRequest, cluster: ClusterId, live: LiveObject, *, deleting: bool) -> Guard:
        guard = self.snapshots.targets.guard(request.app, cluster, [live.key], deleting=deleting)
        if not is_holder(live.key) or live.deleting:
            return guard
        residents = await self.snapshots.holders.of(live, Leaving(cluster, guard, roots=frozenset({live.uid})))
        return replace(guard, residents={live.key: residents})

    async def _stays(self, request: PassRequest, cluster: ClusterId, reading: Reading, since_s: float) -> bool:
        """Tell whether an object stays although its application goes."""
        if not isinstance(reading, Found):
            return False
        guard = await self._guard(request, cluster, reading.live, deleting=True)
        refusal = prune_refusal(reading.live, guard, since_s)
        return refusal is not None and not refusal.waits

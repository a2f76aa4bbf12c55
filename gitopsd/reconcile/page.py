"""THE PAGE: one pass of one application, git → manifests → compare → apply → live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gitopsd.core.compare.compressed import at_rest
from gitopsd.core.compare.verdict import comparison
from gitopsd.core.declaration import DECLARE, Declare
from gitopsd.core.drift.ledger import ContestedField, DriftContext
from gitopsd.core.drift.ledger import conditions as told_of
from gitopsd.core.sync.failing import failure_of, sync_error
from gitopsd.errors import GitopsError, NotPermitted, UnknownCluster
from gitopsd.model.application import Application, Mode
from gitopsd.model.comparison import Comparison, Found, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.status import AppStatus, Condition, Failing
from gitopsd.ports import Applications, Clock, LiveStates
from gitopsd.reconcile.compare import Comparer
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.drift import DriftRecorder
from gitopsd.reconcile.former_clusters import FormerClusters
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.rendering import ApplicationRenderer, Rendered
from gitopsd.reconcile.request import pass_request
from gitopsd.reconcile.snapshot import Snapshot, Snapshots
from gitopsd.reconcile.sync import Outcome, Syncer
from gitopsd.reconcile.sync_input import SyncInput
from gitopsd.reconcile.workers import Again

UNHEARD_S = 1.0  # should the event of our own write never come
NOT_SEEN_S = 10.0  # a cluster whose first lists are under way tells when they are in; should that be missed …
LOST_S = 5.0  # … and one that does not answer is looked at again so often
UNANSWERED_S = 10.0  # what the API server was asked about in vain is asked about again after so long
UNKNOWN = Health(HealthStatus.UNKNOWN)


class Declarer(Protocol):
    """Takes what an application of applications renders to as declarations."""

    def declare(self, orders: PassRequest, desired: Rendered) -> tuple[Comparison, Outcome]:
        """Declare the manifests. Raises UnknownCluster, NotPermitted."""

    def undeclare(self, app: Application) -> None:
        """Let go of all that `app` declares."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one application to its target state. Keeps nothing between two calls."""

    apps: Applications
    renderer: ApplicationRenderer
    destinations: Destinations
    targets: TargetIndex
    snapshots: Snapshots
    live: LiveStates
    comparer: Comparer
    syncer: Syncer
    declarer: Declarer
    drift: DriftRecorder
    former_clusters: FormerClusters
    now_s: Clock
    refresh_s: float

    async def reconcile(self, name: AppName) -> Again:
        """Have one pass; safe to repeat, reads all it needs, and never waits for a cluster to become what it asked.

        Raises:
            GitopsError: nothing is known of the application at this epoch; nothing was written.
        """
        orders = pass_request(self.apps, name, self.targets.barrier.moves)
        if orders is None:
            return Again(None)
        try:
            cluster = self._destination(orders)
            if cluster is DECLARE:
                return await self._declare(orders)
            if not self.live.age(cluster).readable:
                return self._unseen(orders, cluster)
            return await self._sync(orders, cluster)
        except GitopsError as err:
            self.syncer.stalled(orders.app, err)
            raise
        finally:
            self._tried(orders)

    def _destination(self, orders: PassRequest) -> ClusterId | Declare:
        try:
            return self.destinations.permitted_destination(orders)
        except (UnknownCluster, NotPermitted):
            # Neither changes but with the settings or a declaration, so nobody's prunes wait for it.
            self.targets.keep_last(orders.app)
            raise

    def _tried(self, orders: PassRequest) -> None:
        """Take note of a pass that is over; where its cluster is not seen yet, it said nothing."""
        cluster = self.destinations.cluster_of(orders.app)
        if cluster is None or self.live.age(cluster).readable:
            self.targets.tried(orders.app, orders.mark)

    async def _sync(self, orders: PassRequest, cluster: ClusterId) -> Again:
        app = orders.app
        desired = await self._desired(orders, cluster)  # git, manifests
        access = self.destinations.access(app, cluster)  # by now: a render may have taken long
        target = self.snapshots.target_of_pass(orders, access, desired)
        self.targets.record(orders, access, target)  # the one write before a sync: who wants what
        aim = await self.snapshots.take(orders, access, target)  # live, and what lives in what may be deleted
        if orders.left_alone:
            return Again(self.refresh_s)
        if aim.unheard:
            return Again(UNHEARD_S)  # the event of our own write brings the next pass
        compared = await self.comparer.compare(app, cluster, aim.target, aim.readings, aim.user)  # compare
        partial = bool(aim.target.nameless)
        verdict = comparison(
            compared, aim.target.hash, desired.warnings, differs=aim.namespace_differs, partial=partial
        )
        fought = self._fought(orders, aim, verdict)
        outcome = await self.syncer.advance(SyncInput(orders, aim, desired.revisions, verdict, fought))  # apply
        leftovers = await self.former_clusters.look(orders, aim, verdict, outcome.operation)
        if orders.deleting and aim.empty and not outcome.hooks_left and not leftovers.any:
            self.apps.forget(app.name)
            return Again(None)
        aim = replace(aim, conditions=(*aim.conditions, *told_of(fought), *leftovers.conditions))
        waits_s = (leftovers.again_after_s, self.live.age(cluster).settles_s)
        return self._published(orders, (verdict, outcome), desired, aim, waits_s)

    def _fought(self, orders: PassRequest, aim: Snapshot, compared: Comparison) -> tuple[ContestedField, ...]:
        """Write down what has drifted; return the fields that are not to be healed."""
        if orders.deleting:
            return ()
        name = orders.app.name
        facts = DriftContext(name, aim.cluster, aim.target.hashes, self.apps.operation(name), self.now_s())
        return self.drift.observe(compared, facts)

    async def _declare(self, orders: PassRequest) -> Again:
        if orders.deleting:
            self.declarer.undeclare(orders.app)
            return Again(None)
        if orders.left_alone:
            self.targets.keep_last(orders.app)
            return Again(self.refresh_s)
        desired = await self._desired(orders, None)
        return self._published(orders, self.declarer.declare(orders, desired), desired)

    async def _desired(self, orders: PassRequest, cluster: ClusterId | None) -> Rendered:
        if not orders.deleting:
            return await self.renderer(orders.app, cluster, orders.refs)
        status = self.apps.status(orders.app.name)
        hooks = self.targets.inventory.delete_hooks(orders.app.name)
        return self.renderer.nothing(status.revisions if status is not None else (), hooks)

    def _published(
        self,
        orders: PassRequest,
        result: tuple[Comparison, Outcome],
        desired: Rendered,
        aim: Snapshot | None = None,
        more_s: Sequence[float | None] = (),
    ) -> Again:
        compared, outcome = result
        fails = self._failing(orders.app, compared, outcome, aim) if aim else None
        conditions, errors = aim.conditions if aim else (), [sync_error(fails)] if fails else []
        status = AppStatus(
            comparison=at_rest(compared),
            revisions=desired.revisions,
            cluster=aim.cluster if aim else None,
            conditions=(*conditions, *errors, *self.apps.contested(orders.app.name)),
            operation=outcome.operation,
            failing=fails,
            reconciled_s=self.now_s(),
            epoch_s=desired.taken_s,
            source_types=desired.source_types,
            orphans=aim.orphans if aim else 0,
            waiting=outcome.waiting,
        )
        self.apps.publish(orders.app.name, status)
        waits_s = (self.refresh_s, outcome.again_after_s, *more_s, UNANSWERED_S if _unanswered(compared) else None)
        return Again(min(wait_s for wait_s in waits_s if wait_s is not None))

    def _failing(self, app: Application, compared: Comparison, outcome: Outcome, aim: Snapshot) -> Failing | None:
        operation = outcome.operation
        here = operation is not None and operation.cluster == aim.cluster and aim.mode is Mode.ENFORCE
        return failure_of(app, compared, operation, self.syncer.pacing) if here else None

    def _unseen(self, orders: PassRequest, cluster: ClusterId) -> Again:
        """Publish that nothing is known yet, beside what was known before; said once, not at every look."""
        err = self.snapshots.unseen(cluster)
        self.syncer.stalled(orders.app, err)
        self.failed(orders.app.name, Condition("ComparisonError", err.what, err.remedy))
        return Again(LOST_S if self.live.age(cluster).error else NOT_SEEN_S)

    def failed(self, name: AppName, condition: Condition) -> None:
        """Publish that a pass came to nothing: Unknown, with what the last one found still to be seen."""
        orders = pass_request(self.apps, name, self.targets.barrier.moves)
        if orders is None or orders.left_alone:
            return
        operation = self.apps.operation(name)
        last = self.apps.status(name) or AppStatus(Comparison(SyncStatus.UNKNOWN, UNKNOWN), (), None)
        unknown = replace(
            last.comparison, status=SyncStatus.UNKNOWN, health=replace(UNKNOWN, message=condition.message)
        )
        status = replace(last, comparison=unknown, conditions=(condition,), operation=operation, waiting="")
        if status != last:
            self.apps.publish(name, replace(status, reconciled_s=self.now_s()))


def _unanswered(compared_to: Comparison) -> bool:
    """Tell whether the API server was asked in vain: then no watch brings the next pass."""
    return any(
        compared.status is SyncStatus.UNKNOWN and isinstance(compared.pair.live, Found)
        for compared in compared_to.resources
    )

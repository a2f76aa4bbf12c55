"""THE PAGE: one pass of one application, git → manifests → compare → apply → live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gitopsd.core.compare.compressed import at_rest
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
from gitopsd.reconcile.request import request_of
from gitopsd.reconcile.snapshot import Snapshot, Snapshots
from gitopsd.reconcile.steps import SyncInput
from gitopsd.reconcile.sync import Outcome, Syncer
from gitopsd.reconcile.workers import Again

UNHEARD_S = 1.0  # should the event of our own write never come
NOT_SEEN_S = 10.0  # a cluster whose first lists are under way tells when they are in; should that be missed …
LOST_S = 5.0  # … and one that does not answer is looked at again so often
UNANSWERED_S = 10.0  # what the API server was asked about in vain is asked about again after so long
UNKNOWN = Health(HealthStatus.UNKNOWN)


class Declarer(Protocol):
    """Takes what an application of applications renders to as declarations."""

    def declare(self, request: PassRequest, rendered: Rendered) -> tuple[Comparison, Outcome]:
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
        request = request_of(self.apps, name, self.targets.barrier.moves)  # 1
        if request is None:
            return Again(None)
        try:
            cluster = self._destination(request)
            if cluster is DECLARE:
                return await self._declare(request)
            if not self.live.age(cluster).readable:
                return self._unseen(request, cluster)
            return await self._sync(request, cluster)
        except GitopsError as err:
            self.syncer.stalled(request.app, err)
            raise
        finally:
            self._tried(request)

    def _destination(self, request: PassRequest) -> ClusterId | Declare:
        try:
            return self.destinations.permitted_destination(request)
        except (UnknownCluster, NotPermitted):
            # Neither changes but with the settings or a declaration, so nobody's prunes wait for it.
            self.targets.keep_last(request.app)
            raise

    def _tried(self, request: PassRequest) -> None:
        """Take note of a pass that is over; where its cluster is not seen yet, it said nothing."""
        cluster = self.destinations.cluster_of(request.app)
        if cluster is None or self.live.age(cluster).readable:
            self.targets.tried(request.app, request.mark)

    async def _sync(self, request: PassRequest, cluster: ClusterId) -> Again:
        app = request.app
        rendered = await self._desired(request, cluster)  # 2: git, manifests
        access = self.destinations.access(app, cluster)  # by now: a render may have taken long
        target = self.snapshots.target_of_pass(request, access, rendered)
        self.targets.record(request, access, target)  # the one write before a sync: who wants what
        compared_s = self.now_s()
        snapshot = await self.snapshots.take(request, access, target)  # 3: live, and what lives in what may go
        if request.left_alone:
            return Again(self.refresh_s)
        if snapshot.unheard:
            return Again(UNHEARD_S)  # the event of our own write brings the next pass
        verdict = await self.comparer.compare(app, snapshot, rendered.warnings)  # 4
        fought = self._fought(request, snapshot, verdict)
        sync_input = SyncInput(request, snapshot, rendered.revisions, verdict, fought)
        outcome = await self.syncer.advance(sync_input)  # 5 and 6: apply
        leftovers = await self.former_clusters.look(request, snapshot, verdict, outcome.operation)
        if request.deleting and snapshot.empty and not outcome.hooks_left and not leftovers.any:
            self.apps.forget(app.name)
            return Again(None)
        snapshot = replace(snapshot, conditions=(*snapshot.conditions, *told_of(fought), *leftovers.conditions))
        waits_s = (leftovers.again_after_s, self.live.age(cluster).settles_s)
        return self._published(request, (verdict, outcome, compared_s), rendered, snapshot, waits_s)

    def _fought(self, request: PassRequest, snapshot: Snapshot, compared: Comparison) -> tuple[ContestedField, ...]:
        """Write down what has drifted; return the fields that are not to be healed."""
        if request.deleting:
            return ()
        name = request.app.name
        facts = DriftContext(name, snapshot.cluster, snapshot.target.hashes, self.apps.operation(name), self.now_s())
        return self.drift.observe(compared, facts)

    async def _declare(self, request: PassRequest) -> Again:
        if request.deleting:
            self.declarer.undeclare(request.app)
            return Again(None)
        if request.left_alone:
            self.targets.keep_last(request.app)
            return Again(self.refresh_s)
        rendered = await self._desired(request, None)
        return self._published(request, (*self.declarer.declare(request, rendered), self.now_s()), rendered)

    async def _desired(self, request: PassRequest, cluster: ClusterId | None) -> Rendered:
        if not request.deleting:
            return await self.renderer(request.app, cluster, request.refs)
        status = self.apps.status(request.app.name)
        hooks = self.targets.inventory.delete_hooks(request.app.name)
        return self.renderer.nothing(status.revisions if status is not None else (), hooks)

    def _published(
        self,
        request: PassRequest,
        result: tuple[Comparison, Outcome, float],  # and when it was compared, in Unix time
        rendered: Rendered,
        snapshot: Snapshot | None = None,
        more_s: Sequence[float | None] = (),
    ) -> Again:
        compared, outcome, compared_s = result
        fails = self._failing(request.app, compared, outcome, snapshot) if snapshot else None
        conditions, errors = snapshot.conditions if snapshot else (), [sync_error(fails)] if fails else []
        status = AppStatus(
            comparison=at_rest(compared),
            revisions=rendered.revisions,
            cluster=snapshot.cluster if snapshot else None,
            conditions=(*conditions, *errors, *self.apps.contested(request.app.name)),
            operation=outcome.operation,
            failing=fails,
            reconciled_s=compared_s,
            epoch_s=rendered.taken_s,
            source_types=rendered.source_types,
            orphans=snapshot.orphans if snapshot else 0,
            waiting=outcome.waiting,
        )
        self.apps.publish(request.app.name, status)
        waits_s = (self.refresh_s, outcome.again_after_s, *more_s, UNANSWERED_S if _unanswered(compared) else None)
        return Again(min(wait_s for wait_s in waits_s if wait_s is not None))

    def _failing(self, app: Application, compared: Comparison, outcome: Outcome, snapshot: Snapshot) -> Failing | None:
        operation = outcome.operation
        here = operation is not None and operation.cluster == snapshot.cluster and snapshot.mode is Mode.ENFORCE
        return failure_of(app, compared, operation, self.syncer.pacing) if here else None

    def _unseen(self, request: PassRequest, cluster: ClusterId) -> Again:
        """Publish that nothing is known yet, beside what was known before; said once, not at every look."""
        err = self.snapshots.unseen(cluster)
        self.syncer.stalled(request.app, err)
        self.failed(request.app.name, Condition("ComparisonError", err.what, err.remedy))
        return Again(LOST_S if self.live.age(cluster).error else NOT_SEEN_S)

    def failed(self, name: AppName, condition: Condition) -> None:
        """Publish that a pass came to nothing: Unknown, with what the last one found still to be seen."""
        request = request_of(self.apps, name, self.targets.barrier.moves)
        if request is None or request.left_alone:
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

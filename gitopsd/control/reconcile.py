"""THE PAGE: one pass of one application, git → manifests → compare → apply → live."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitopsd.control.declare import Declarer
from gitopsd.control.desired import Desire, Desired
from gitopsd.control.judge import Judge
from gitopsd.control.placing import Aim, Placing
from gitopsd.control.sync import Outcome, Syncer, Wanted
from gitopsd.control.workers import Again
from gitopsd.core.asks import Seen
from gitopsd.core.compare import comparison
from gitopsd.core.declaration import DECLARE
from gitopsd.model.application import Application
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName
from gitopsd.model.status import AppStatus, Condition
from gitopsd.ports import Applications, Clock

UNHEARD_S = 1.0  # should the event of our own write never come
NOT_SEEN_S = 0.5  # a cluster whose first lists are under way is looked at again so often


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one application to its target state. Keeps nothing between two calls."""

    apps: Applications
    desire: Desire
    placing: Placing
    judge: Judge
    syncer: Syncer
    declarer: Declarer
    now_s: Clock
    refresh_s: float

    async def reconcile(self, name: AppName) -> Again:  # noqa: PLR0911 - each way out is a line of the flow
        """Have one pass; safe to repeat, reads all it needs, and never waits for a cluster to become what it asked.

        Raises:
            GitopsError: nothing is known of the application at this epoch; nothing was written.
        """
        app = self.apps.get(name)
        if app is None or app.skip_reconcile:
            return Again(None)
        self.placing.permit(app)
        cluster = self.placing.destination(app)
        if cluster is not DECLARE and not self.placing.seen(cluster):
            self._unseen(app, self.placing.why_unseen(cluster))
            return Again(NOT_SEEN_S)
        deleting = self.apps.deleting(name)
        if deleting and cluster is DECLARE:
            self.declarer.undeclare(app)
            return Again(None)
        desired = self._nothing(name) if deleting else await self.desire(app, self._refs(app))  # git, manifests
        if cluster is DECLARE:
            return self._published(app, self.declarer.declare(app, desired, self.apps.request(name)), desired)
        aim = self.placing.aim(app, cluster, desired)  # target, live
        if aim.unheard:
            return Again(UNHEARD_S)  # the event of our own write brings the next pass
        compared = await self.judge.compare(app, cluster, aim.target, aim.readings)  # compare
        found = comparison(compared, aim.target.hash, desired.warnings)
        outcome = await self.syncer.advance(self._wanted(app, desired, aim, found))  # apply
        if deleting and self.placing.empty(aim):
            self.apps.forget(name)
            return Again(None)
        return self._published(app, (found, outcome), desired, aim)

    def _refs(self, app: Application) -> tuple[str, ...]:
        """Return the revisions that a person named for the sync that runs, or that is asked for; else none."""
        operation, request = self.apps.operation(app.name), self.apps.request(app.name)
        if operation is not None and operation.pinned and not operation.phase.over:
            return operation.revisions
        return request.revisions if request is not None else ()

    def _nothing(self, name: AppName) -> Desired:
        status = self.apps.status(name)
        return Desired(status.revisions if status else (), self.now_s(), (), (), (), ())

    def _wanted(self, app: Application, desired: Desired, aim: Aim, found: Comparison) -> Wanted:
        target = aim.target
        seen = Seen(target.hash, target.objects, target.hashes, aim.readings, aim.guard)
        pinned, deleting = bool(self._refs(app)), self.apps.deleting(app.name)
        return Wanted(app, aim.cluster, aim.mode, desired.revisions, pinned, target, found, seen, deleting)

    def _published(
        self, app: Application, result: tuple[Comparison, Outcome], desired: Desired, aim: Aim | None = None
    ) -> Again:
        found, outcome = result
        status = AppStatus(
            comparison=found,
            revisions=desired.revisions,
            cluster=aim.cluster if aim else None,
            conditions=aim.conditions if aim else (),
            operation=outcome.operation,
            reconciled_s=self.now_s(),
            epoch_s=desired.taken_s,
            watch_age_s=aim.watch_age_s if aim else 0.0,
            source_types=desired.source_types,
            waiting=outcome.waiting,
        )
        self.apps.publish(app.name, status)
        again_s = outcome.again_after_s
        return Again(self.refresh_s if again_s is None else min(again_s, self.refresh_s))

    def _unseen(self, app: Application, why: str) -> None:
        """Publish that nothing is known yet, beside what was known before; said once, not at every look."""
        condition = Condition("ComparisonError", why, "nothing is compared or written until it can be read")
        self.failed(app.name, condition)

    def failed(self, name: AppName, condition: Condition) -> None:
        """Publish that a pass came to nothing: Unknown, with what the last one found still to be seen."""
        app = self.apps.get(name)
        if app is None:
            return
        operation = self.apps.operation(name)
        last = self.apps.status(name) or AppStatus(Comparison(SyncStatus.UNKNOWN, UNKNOWN), (), None)
        found = replace(last.comparison, status=SyncStatus.UNKNOWN, health=replace(UNKNOWN, message=condition.message))
        if last.comparison == found and last.conditions == (condition,) and last.operation == operation:
            return
        self.apps.publish(
            name,
            replace(
                last,
                comparison=found,
                conditions=(condition,),
                operation=operation,
                reconciled_s=self.now_s(),
                waiting="",
            ),
        )


UNKNOWN = Health(HealthStatus.UNKNOWN)

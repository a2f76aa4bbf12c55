"""Stage 4: is a sync due, and one step of it: store the intent, run the commands, store the results, leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gitopsd.core.asks import Seen
from gitopsd.core.compare import Basis
from gitopsd.core.ignore import rules_for
from gitopsd.core.plan import Scope, Work, deletion, plan, work
from gitopsd.core.policy import Due, Pacing, Situation, carrying, last_sync, request_refused, sync_due
from gitopsd.core.step import SUPERSEDED, Limits, absorb, step
from gitopsd.core.target import Target
from gitopsd.errors import GitopsError, Retryable
from gitopsd.model.application import Application, Mode
from gitopsd.model.command import Accepted, Applied, Apply, Command, Refused
from gitopsd.model.comparison import Comparison, Found, Remembered
from gitopsd.model.ids import ClusterId, Revision
from gitopsd.model.manifest import ResourceKey, gvk_of
from gitopsd.model.operation import Operation
from gitopsd.ports import Applications, Applier, Clock, Inventory, LiveStates
from gitopsd.runtime.tasks import at_most

CONFIRM_S = 1.0  # after an operation: should nothing have changed, no watch tells of it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pass found out of one application, as its sync needs it."""

    app: Application
    cluster: ClusterId
    mode: Mode  # the strictest of daemon, project and application
    revisions: tuple[Revision, ...]
    pinned: bool  # they are those of a request or an operation, not the epoch's
    target: Target
    comparison: Comparison
    seen: Seen
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    operation: Operation | None  # the running or last one
    waiting: str = ""  # why nothing is done about what is out of sync
    again_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Syncer:
    """Keeps nothing: the operation is in the store before and after its commands."""

    apps: Applications
    inventory: Inventory
    live: LiveStates
    applier: Applier
    now_s: Clock
    new_id: Callable[[], str]
    pacing: Pacing
    limits: Limits
    at_once: int  # commands in flight for one application; the client bounds what a cluster gets
    on_sync: Callable[[Operation], None] = lambda _: None  # told of every operation that is over

    async def advance(self, wanted: Wanted) -> Outcome:
        """Begin a sync if one is due, and take the one that runs a step further."""
        operation = self.apps.operation(wanted.app.name)
        if operation is None or operation.phase.over:
            operation, due = self._begun(wanted, operation)
            if operation is None or operation.phase.over:
                return Outcome(operation, due.why, due.again_after_s)
        operation, again_after_s = await self._steps(operation, wanted)
        if operation.message == SUPERSEDED:
            self.on_sync(operation)
            return await self.advance(wanted)  # the newer content is due at once, and cannot be superseded by itself
        if operation.phase.over:
            self.on_sync(operation)
            return Outcome(operation, again_after_s=CONFIRM_S)
        return Outcome(operation, again_after_s=again_after_s)

    def _begun(self, wanted: Wanted, last: Operation | None) -> tuple[Operation | None, Due]:
        """Return the operation to go on with: a new one where a person asked or one is due, else the last one."""
        app, now_s = wanted.app, self.now_s()
        request = self.apps.request(app.name)
        prune = request.prune if request is not None else app.sync_policy.prune
        selected = request.resources if request is not None else ()
        todo = _work(wanted, Scope(prune, selected, _missing_namespace(wanted)))
        if wanted.deleting:
            due = Due(sync=todo.any, why="it is being deleted", again_after_s=CONFIRM_S)
        elif request is not None:
            refusal = request_refused(request, wanted.mode)
            due = Due(sync=not refusal, why=refusal)
        else:
            # Argo CD's writes count only while they would be fought over: what is in sync needs no write.
            situation = Situation(wanted.mode, todo, wanted.target.hash, last_sync(last), _argocd_wrote_s(wanted))
            due = sync_due(app, situation, now_s, self.pacing)
        if request is not None and not due.sync:
            self.apps.ask(app.name, None)
        if not due.sync:
            return last, due if wanted.comparison.status.value != "Synced" else replace(due, why="")
        header = Operation(
            id=self.new_id(),
            app=app.name,
            cluster=wanted.cluster,
            target=wanted.target.hash,
            revisions=wanted.revisions,
            tasks=(),
            started_s=now_s,
            initiated_by=request.initiated_by if request else "",
            automated=request is None,
            healing=due.healing,
            heals=due.heals,
            retries=due.retries,
            prune=prune,
            dry_run=request.dry_run if request else False,
            selective=bool(request and request.resources),
            pinned=wanted.pinned,
        )
        operation = carrying(plan(header, todo), last_sync(last))
        self.apps.put_operation(operation)
        if request is not None:
            self.apps.ask(app.name, None)
        return operation, due

    async def _steps(self, operation: Operation, wanted: Wanted) -> tuple[Operation, float | None]:
        """Step until nothing can be asked for without hearing from the cluster first."""
        while True:
            stepped = step(operation, wanted.seen, self.now_s(), self.limits)
            if stepped.operation != operation:
                self.apps.put_operation(stepped.operation)
            operation = stepped.operation
            if not stepped.commands:
                return operation, stepped.again_after_s
            results = await at_most(
                self.at_once,
                stepped.commands,
                lambda command: self._run(wanted, command),
                name=f"apply {operation.app}",
            )
            operation = absorb(operation, [result for result in results if result is not None], self.now_s())
            self.apps.put_operation(operation)
            self._remember(wanted, stepped.commands, results)

    async def _run(self, wanted: Wanted, command: Command) -> Applied | None:
        """Run one command; None where no answer came: it is asked for again."""
        try:
            result = await self.applier.run(wanted.cluster, command)
        except Retryable as err:
            return Refused(command.key, 0, err.what, retryable=True, remedy=err.remedy)
        except GitopsError as err:
            return Refused(command.key, 0, err.what, retryable=False, remedy=err.remedy)
        if isinstance(result, Accepted) and result.changed:
            self.live.written(wanted.cluster, result)
        return result

    def _remember(self, wanted: Wanted, commands: tuple[Command, ...], results: tuple[Applied | None, ...]) -> None:
        """Store what the server has shown to be in sync by its answers."""
        shown: dict[ResourceKey, Remembered | None] = {}
        for command, result in zip(commands, results, strict=True):
            if not isinstance(result, Accepted):
                continue
            if isinstance(command, Apply) and result.view is not None:
                rules = rules_for(wanted.app.ignore_differences, command.key)
                basis = Basis(command.target, rules, self.live.admission(wanted.cluster, gvk_of(command.manifest)))
                shown[command.key] = Remembered(basis.target, result.view, basis.rules.hash, basis.admission)
        if shown:
            self.inventory.remember(wanted.app.name, wanted.cluster, shown)


def _work(wanted: Wanted, scope: Scope) -> Work:
    resources = wanted.comparison.resources
    return (
        deletion(resources, wanted.seen.guard)
        if wanted.deleting
        else work(resources, wanted.target.hashes, wanted.seen.guard, scope)
    )


def _missing_namespace(wanted: Wanted) -> str:
    """Return the destination's namespace unless it is known to be there: making it would cost every heal a request."""
    namespace = wanted.app.destination.namespace
    reading = wanted.seen.readings.get(ResourceKey("", "Namespace", "", namespace))
    return "" if isinstance(reading, Found) else namespace


def _argocd_wrote_s(wanted: Wanted) -> float | None:
    wrote = [
        reading.live.argocd_wrote_s
        for reading in wanted.seen.readings.values()
        if isinstance(reading, Found) and reading.live.argocd_wrote_s is not None
    ]
    return max(wrote, default=None)

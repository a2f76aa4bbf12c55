"""What people ask of the daemon: refresh, sync, roll back, terminate, delete, and to see why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gitopsd.control.desired import Desire, Desired
from gitopsd.control.placing import Placing
from gitopsd.core.declaration import DECLARE
from gitopsd.core.target import target_of
from gitopsd.errors import Conflict, GitopsError, NotFound
from gitopsd.model.application import Application
from gitopsd.model.command import ObjectRef, Predicted
from gitopsd.model.comparison import Compared, SyncStatus
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, Manifest, gvk_of
from gitopsd.model.operation import Operation, OperationPhase, SyncRequest
from gitopsd.ports import Applications, Applier, Clock, Sources
from gitopsd.runtime.queue import KeyQueue
from gitopsd.runtime.tasks import at_most

READS_AT_ONCE = 8
FETCH_FAILED = "the repository could not be fetched"


@dataclass(frozen=True, slots=True)
class Opened:
    """One object of an application with its states in full."""

    gvk: GVK
    compared: Compared
    target: Manifest | None
    live: Manifest | None
    predicted: Manifest | None


@dataclass(slots=True)
class Asks:
    """Takes what people ask, and has it done by passes."""

    apps: Applications
    sources: Sources
    desire: Desire
    placing: Placing
    applier: Applier
    queue: KeyQueue[AppName]
    now_s: Clock
    _waiters: dict[AppName, list[tuple[float, asyncio.Future[None]]]] = field(default_factory=dict)

    async def refresh(self, name: AppName, *, hard: bool) -> None:
        """Fetch what the application reads, have a pass over it, and wait for its end.

        Manifests are keyed by what was read, so there is no cache that `hard` would have to drop.
        """
        app = self.known(name)
        del hard
        for repo in dict.fromkeys(source.repo_url for source in app.sources):
            try:
                await self.sources.fetch(repo)
            except GitopsError:
                continue
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiters.setdefault(name, [])
        waiter = (self.now_s(), ended)
        waiting.append(waiter)
        self.queue.add(name)
        try:
            await ended
        finally:
            if waiter in waiting:
                waiting.remove(waiter)

    def pass_ended(self, name: AppName, began_s: float) -> None:
        """Let go on who waits for a pass that began after they asked."""
        waiting = self._waiters.get(name, [])
        for waiter in list(waiting):
            asked_s, ended = waiter
            if began_s >= asked_s:
                waiting.remove(waiter)
                if not ended.done():
                    ended.set_result(None)

    async def sync(self, name: AppName, request: SyncRequest) -> None:
        """Store the request for the next pass. Raises NotFound, Conflict."""
        app = self.known(name)
        self._free(app)
        if request.revisions and app.sync_policy.automated:
            raise Conflict(
                f"{name} syncs by itself to {app.sources[0].target_revision}, so it would not stay at another revision",
                remedy="switch automated sync off, or change spec.source.targetRevision in Git",
            )
        if request.revisions and len(request.revisions) != len(app.sources):
            raise Conflict(
                f"{name} has {len(app.sources)} sources and {len(request.revisions)} revisions were named",
                remedy="name one revision for each source",
            )
        self.apps.ask(name, request)
        self.queue.add(name)

    async def rollback(self, name: AppName, history_id: int, request: SyncRequest) -> None:
        """Ask for a sync to what an entry of the history made live. Raises NotFound, Conflict."""
        app = self.known(name)
        self._free(app)
        if app.sync_policy.automated:
            raise Conflict(
                f"{name} syncs by itself, and would go forward again at once",
                remedy="switch automated sync off first, or revert the commit in Git",
            )
        found = [entry for entry in self.apps.history(name) if entry.id == history_id]
        if not found:
            raise NotFound(f"{name} has no history entry {history_id}", remedy="see `gitopsd app history`")
        await self.sync(name, replace(request, revisions=found[0].revisions))

    async def terminate(self, name: AppName) -> None:
        """End the running operation at its next step. Raises NotFound, Conflict."""
        self.known(name)
        operation = self.apps.operation(name)
        if operation is None or operation.phase.over:
            raise Conflict(f"no operation of {name} runs", remedy="see `gitopsd app get`")
        self.apps.put_operation(replace(operation, phase=OperationPhase.TERMINATING))
        self.queue.add(name)

    async def delete(self, name: AppName, *, cascade: bool) -> None:
        self.known(name)
        self.apps.delete(name, cascade=cascade)
        self.queue.add(name)

    async def desired(self, name: AppName, revision: str) -> tuple[Application, Desired, Sequence[Manifest]]:
        """Return the target objects at `revision` ("" is the epoch's), in apply form where a cluster is known."""
        app = self.known(name)
        desired = await self.desire(app, [revision] * len(app.sources) if revision else ())
        cluster = self.placing.destination(app)
        if cluster is DECLARE:
            return app, desired, desired.manifests
        scope = self.placing.scope(cluster)
        target = target_of(app.name, app.destination.namespace, desired.manifests, scope)
        return app, desired, tuple(target.objects.values())

    async def opened(self, name: AppName) -> Sequence[Opened]:
        """Return every object of the application with target, live and predicted state, read from the cluster now."""
        app = self.known(name)
        status = self.apps.status(name)
        cluster = self.placing.destination(app)
        if status is None or cluster is DECLARE:
            return ()
        return await at_most(
            READS_AT_ONCE, status.comparison.resources, lambda each: self._open(cluster, each), name=f"open {name}"
        )

    async def _open(self, cluster: ClusterId, compared: Compared) -> Opened:
        pair = compared.pair
        gvk = gvk_of(pair.target) if pair.target is not None else GVK(pair.key.group, "", pair.key.kind)
        live = await self.applier.read(cluster, ObjectRef(pair.key, gvk))
        predicted = None
        if pair.target is not None and compared.status is not SyncStatus.SYNCED:
            answer = await self.applier.dry_run(cluster, pair.target)
            predicted = answer.live if isinstance(answer, Predicted) else None
        return Opened(gvk, compared, pair.target, live, predicted or live)

    def known(self, name: AppName) -> Application:
        """Return the application, or raise NotFound."""
        app = self.apps.get(name)
        if app is None:
            raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
        return app

    def _free(self, app: Application) -> None:
        operation: Operation | None = self.apps.operation(app.name)
        if operation is not None and not operation.phase.over:
            raise Conflict(
                f"an operation of {app.name} runs already: {operation.message or operation.id}",
                remedy="wait for it, or end it with `gitopsd app terminate-op`",
            )


def readers_of(apps: Iterable[Application], cluster: ClusterId, placing: Placing) -> int:
    """Return how many of `apps` go to `cluster`."""
    count = 0
    for app in apps:
        try:
            count += placing.destination(app) == cluster
        except GitopsError:
            continue
    return count

"""What people ask of the daemon: refresh, sync, roll back, terminate, delete, and to see why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsd.core.compare.compressed import whole
from gitopsd.core.compare.extra import after_heal
from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules, rules_for
from gitopsd.core.compare.prediction import counted
from gitopsd.core.declaration import DECLARE
from gitopsd.core.ownership.takeover import takes_over
from gitopsd.core.sync.decide import request_refused
from gitopsd.core.target.sync_options import options_of_target, parse_options
from gitopsd.errors import ClusterRefused, Conflict, GitopsError, NotFound, RepositoryUnreachable, RevisionNotFound
from gitopsd.model.application import Application, IgnoreDifference
from gitopsd.model.command import ObjectRef, Predicted
from gitopsd.model.comparison import Compared, SyncStatus
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of
from gitopsd.model.operation import OperationPhase, SyncRequest
from gitopsd.model.pass_request import PassRequest
from gitopsd.ports import Applications, Applier, IgnoredPaths, Sources
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.rendering import ApplicationRenderer, Rendered
from gitopsd.reconcile.snapshot import Snapshots
from gitopsd.runtime.queue import KeyQueue
from gitopsd.runtime.tasks import at_most

READS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ObjectStates:
    """One object of an application with its states in full."""

    gvk: GVK
    compared: Compared
    target: Manifest | None
    live: Manifest | None
    normalized: Manifest | None  # live without what does not count
    predicted: Manifest | None  # without it as well


@dataclass(slots=True)
class UserCommands:
    """Takes what people ask, and has it done by passes."""

    apps: Applications
    sources: Sources
    renderer: ApplicationRenderer
    snapshots: Snapshots
    applier: Applier
    queue: KeyQueue[AppName]
    paths: IgnoredPaths
    ignored: tuple[IgnoreDifference, ...] = ()  # of the settings: in every application
    _waiters: dict[AppName, dict[asyncio.Future[None], float]] = field(default_factory=dict)

    async def refresh(self, name: AppName, *, hard: bool) -> None:
        """Fetch what the application reads, have a pass over it, and wait for its end.

        Manifests are keyed by what was read, so `hard` need not render anew; it asks the API server anew about every
        object that was once shown to be in sync.
        """
        app = self.known(name)
        if hard and (cluster := self.snapshots.destinations.cluster_of(app)) is not None:
            inventory = self.snapshots.targets.inventory
            inventory.remember(name, cluster, dict.fromkeys(inventory.remembered(name, cluster)))
        for repo in dict.fromkeys(source.repository for source in app.sources if self.renderer.rights.permits(app)):
            try:
                await self.sources.fetch(repo)
            except GitopsError:
                continue
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        waiters = self._waiters.setdefault(name, {})
        waiters[ended] = loop.time()
        self.queue.add(name)
        try:
            await ended
        finally:
            waiters.pop(ended, None)
            if not waiters and self._waiters.get(name) is waiters:
                del self._waiters[name]

    def pass_ended(self, name: AppName, began_s: float) -> None:
        """Let go on who waits for a pass that began after they asked; `began_s` is the loop's time."""
        for ended, asked_s in self._waiters.get(name, {}).items():
            if began_s >= asked_s and not ended.done():
                ended.set_result(None)

    async def sync(self, name: AppName, request: SyncRequest) -> None:
        """Store the request for the next pass.

        Raises:
            NotFound: there is no such application.
            Conflict: the state of the application does not allow it.
            RevisionNotFound, RepositoryUnreachable: a revision that it names cannot be had.
        """
        app = self.known(name)
        if request.revisions == tuple(source.target_revision for source in app.sources):
            request = replace(request, revisions=())  # what is synced to anyway
        self._free(app, request)
        await self._resolvable(app, request.revisions)
        self._free(self.known(name), request)
        self.apps.ask(name, request)
        self.queue.add(name)

    async def rollback(self, name: AppName, history_id: int, request: SyncRequest) -> None:
        """Ask for a sync to what an entry of the history made live. Raises as `sync` does."""
        app = self.known(name)
        entry = next((entry for entry in self.apps.history(name) if entry.id == history_id), None)
        if entry is None:
            raise NotFound(f"{name} has no history entry {history_id}", remedy="see `gitopsd app history`")
        if not entry.revisions or _places(entry.sources) != _places(source.options for source in app.sources):
            raise Conflict(
                f"history entry {history_id} of {name} is not of the sources that it has now",
                remedy="change spec.source in Git instead",
            )
        await self.sync(name, replace(request, revisions=entry.revisions))

    async def terminate(self, name: AppName) -> None:
        """End the running operation at its next step. Raises NotFound, Conflict."""
        self.known(name)
        operation = self.apps.operation(name)
        if operation is None or operation.phase.over:
            raise Conflict(f"no operation of {name} runs", remedy="see `gitopsd app get`")
        self.apps.put_operation(replace(operation, phase=OperationPhase.TERMINATING))
        self.queue.add(name)  # should its passes come to nothing, they end it all the same

    async def confirm(self, name: AppName, now_s: float) -> None:
        """Approve the deletions that wait for a person, as the annotation does. Raises NotFound."""
        self.known(name)
        self.snapshots.targets.inventory.approve(name, now_s)
        self.queue.add(name)

    async def delete(self, name: AppName, *, cascade: bool) -> None:
        self.known(name)
        self.apps.delete(name, cascade=cascade)
        self.queue.add(name)

    def editable(self, name: AppName, key: ResourceKey, *, own: bool) -> tuple[ClusterId, str]:
        """Return where a person's write to the object `key` goes, and in whose name.

        Args:
            own: it is in Git, so its project has to permit it by kind and name; else controllers made it.

        Raises:
            NotFound: there is no such application, or it has no objects.
            NotPermitted: the project does not let it have the object, or go there.
            Conflict: nothing is written in its mode.
        """
        app, destinations = self.known(name), self.snapshots.destinations
        deleting = self.apps.deleting(name)
        cluster = destinations.permitted_destination(PassRequest(app, deleting=deleting, request=None, refs=(), mark=0))
        if cluster is DECLARE:
            raise NotFound(f"{name} has no object in a cluster", remedy="see `gitopsd app get`")
        if refusal := request_refused(SyncRequest(), destinations.mode_of(app)):
            raise Conflict(f"{key} of {name} is not written: {refusal}", remedy="change it in Git, or the mode")
        return cluster, destinations.permitted(app, cluster, key, own=own)

    async def desired(self, name: AppName, revision: str) -> tuple[Application, Rendered, Sequence[Manifest]]:
        """Return the target objects at `revision` ("" is the epoch's), in apply form where a cluster is known."""
        app = self.known(name)
        refs = [revision] * len(app.sources) if revision else ()
        rendered = await self.renderer(app, self.snapshots.destinations.cluster_of(app), refs)
        cluster = self.snapshots.destinations.destination(app)
        if cluster is DECLARE:
            return app, rendered, rendered.manifests
        target = self.snapshots.target(app, cluster, rendered.manifests)
        return app, rendered, tuple(target.objects.values())

    async def opened(self, name: AppName) -> Sequence[ObjectStates]:
        """Return every object of the application with target, live and predicted state, read from the cluster now."""
        app = self.known(name)
        status = self.apps.status(name)
        cluster = self.snapshots.destinations.destination(app)
        if status is None or cluster is DECLARE:
            return ()
        return await at_most(
            READS_AT_ONCE,
            status.comparison.resources,
            lambda compared: self._open(app, cluster, compared),
            name=f"open {name}",
        )

    async def _open(self, app: Application, cluster: ClusterId, compared: Compared) -> ObjectStates:
        pair = compared.pair
        target = None if pair.target is None else whole(pair.target)
        gvk = gvk_of(target) if target is not None else GVK(pair.key.group, "", pair.key.kind)
        live = predicted = None
        with suppress(ClusterRefused):  # a kind that we may not read is shown without its states
            live = await self.applier.read(cluster, ObjectRef(pair.key, gvk))
        if target is not None and compared.status is not SyncStatus.SYNCED:
            asker = self.applier.acting_as(self.snapshots.destinations.user_of(app, cluster))
            options = options_of_target(target, parse_options(app.sync_policy.options, subject="")[0])
            answer = await asker.dry_run(cluster, target, takeover=takes_over(pair.live, target, options))
            predicted = after_heal(answer.live, compared) if isinstance(answer, Predicted) else None
        if live is None:
            return ObjectStates(gvk, compared, target, None, None, predicted)
        rules = rules_for((*self.ignored, *app.ignore_differences), pair.key)
        places = await self._places(rules, predicted or live, live)
        # A rule may leave out `/kind`, and what is no Secret by its looks would be shown in the clear.
        identity = {"apiVersion": live["apiVersion"], "kind": live["kind"]}
        predicted, normalized = ({**identity, **state} for state in counted(predicted or live, live, rules, places))
        return ObjectStates(gvk, compared, target, live, normalized, predicted)

    async def _places(self, rules: Rules, predicted: Manifest, live: Manifest) -> ExpressionPaths:
        """Return what jq expressions name; nothing where one fails, which the comparison tells."""
        if not rules.expressions:
            return NO_EXPRESSION_PATHS
        with suppress(GitopsError):
            one, other = await self.paths.paths(rules.expressions, (predicted, live))
            return ExpressionPaths(tuple(one), tuple(other))
        return NO_EXPRESSION_PATHS

    def known(self, name: AppName) -> Application:
        """Return the application, or raise NotFound."""
        app = self.apps.get(name)
        if app is None:
            raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
        return app

    def _free(self, app: Application, request: SyncRequest) -> None:
        """Raise Conflict where `request` cannot begin."""
        operation = self.apps.operation(app.name)
        if operation is not None and not operation.phase.over:
            raise Conflict(
                f"an operation of {app.name} runs already: {operation.message or operation.id}",
                remedy="wait for it, or end it with `gitopsd app terminate-op`",
            )
        if self.apps.deleting(app.name):
            raise Conflict(f"{app.name} is being deleted", remedy="declare it anew once it is gone")
        if app.skip_reconcile:
            raise Conflict(f"{app.name} is annotated to be left alone", remedy="remove that annotation in Git")
        if request.revisions and len(request.revisions) != len(app.sources):
            raise Conflict(
                f"{app.name} has {len(app.sources)} sources and {len(request.revisions)} revisions were named",
                remedy="name one revision for each source",
            )
        if request.revisions and app.sync_policy.automated:
            raise Conflict(
                f"{app.name} syncs by itself to {app.sources[0].target_revision}, and would go there again at once",
                remedy="switch automated sync off first, or change Git",
            )
        if self.snapshots.destinations.cluster_of(app) is not None and (
            refusal := request_refused(request, self.snapshots.destinations.mode_of(app))
        ):
            raise Conflict(
                f"{app.name} is not synced: {refusal}", remedy="see `mode` of daemon, project and application"
            )

    async def _resolvable(self, app: Application, revisions: Sequence[str]) -> None:
        """Raise RevisionNotFound where a revision is not there, even after asking its repository.

        Raises NotPermitted where the project does not let it be asked.
        """
        if revisions:
            self.renderer.rights.check(app)
        for declared, revision in zip(app.sources, revisions, strict=bool(revisions)):
            source = replace(declared, target_revision=revision)
            ref = source.repository, source.reference, source.tag_prefix
            try:
                self.sources.resolve(*ref)
            except (RevisionNotFound, RepositoryUnreachable):
                await self.sources.fetch(source.repository)
                self.sources.resolve(*ref)


def _places(sources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what sources say but for their revisions."""
    return [{name: value for name, value in source.items() if name != "targetRevision"} for source in sources]


def readers_of(apps: Iterable[Application], cluster: ClusterId, destinations: Destinations) -> int:
    """Return how many of `apps` go to `cluster`."""
    count = 0
    for app in apps:
        try:
            count += destinations.destination(app) == cluster
        except GitopsError:
            continue
    return count

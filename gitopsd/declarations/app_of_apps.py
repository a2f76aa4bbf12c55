"""Applications of applications: their manifests are declarations, and "the cluster" is gitopsd itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gitopsd.core.compare.verdict import comparison
from gitopsd.core.declaration import declared, is_declaration
from gitopsd.core.declaration.generated import Generated, generate
from gitopsd.core.objects.hashes import object_hash, target_hash
from gitopsd.core.target.target import nameless_refused
from gitopsd.errors import InvalidDeclaration, NotPermitted, NotSupported, UnknownCluster
from gitopsd.model.application import Application, Origin, source_of_parent
from gitopsd.model.comparison import Absent, Compared, Comparison, Pair, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, ProjectName, TargetHash
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from gitopsd.model.operation import (
    EndReason,
    Operation,
    OperationCause,
    OperationScope,
    SyncRequest,
    Task,
    TaskState,
    TaskVerb,
)
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.project import AppProject
from gitopsd.ports import Applications, Clock, Declarations
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.rendering import Rendered
from gitopsd.reconcile.sync import Outcome

HERE = ClusterId("gitopsd")
GROUP = "argoproj.io"
GOING_S = 2.0  # applications that are being deleted are looked for again so often
APPLICATION, PROJECT = "Application", "AppProject"


@dataclass(frozen=True, slots=True)
class AppOfApps:
    apps: Applications
    declarations: Declarations
    destinations: Destinations
    targets: TargetIndex
    now_s: Clock
    new_id: Callable[[], str]

    def declare(self, pass_request: PassRequest, rendered: Rendered) -> tuple[Comparison, Outcome]:
        """Compare what Git declares with what is declared, and declare it where the policy or a person asks for it.

        Raises:
            UnknownCluster: the manifests are not declarations, so the destination should have been a cluster.
            NotPermitted: the project does not permit it to declare them.
            InvalidManifest: one has no name, and may be any that would be taken back.
        """
        app, request = pass_request.app, pass_request.request
        if rendered.nameless:
            raise nameless_refused(rendered.nameless)
        generated = generate(rendered.manifests, rendered.origins)
        manifests = generated.manifests
        try:
            self.destinations.check_declarations(app, manifests, self._parsed(app, manifests))
        except (UnknownCluster, NotPermitted):
            self.targets.keep_last(app)
            raise
        before = self._compare(app, manifests)
        dry_run = request is not None and request.dry_run
        declares = not dry_run and (request is not None or app.sync_policy.automated)
        # At every pass: what the source no longer holds is known only by telling it whole.
        warnings = (
            self._declare(pass_request, rendered, generated)
            if declares
            else (*generated.faults, *generated.unsupported)
        )
        after = self._compare(app, manifests)
        target = target_hash({key_of(manifest): object_hash(manifest) for manifest in manifests})
        operation = self._noted(pass_request, rendered, target, _tasks(before, after, declared=declares))
        # What is broken may want what others would prune, so they wait until it is mended.
        if not (declares and (generated.faults or any(_lacks(compared) for compared in after))):
            self.targets.put(app, None, (), pass_request.epoch_mark)
        differs = any(compared.status is SyncStatus.OUT_OF_SYNC for compared in after)
        waiting = "automated sync is off" if differs and not app.sync_policy.automated else ""
        again_after_s = GOING_S if any(self._goes(compared) for compared in after) else None
        return comparison(after, target, (*rendered.warnings, *warnings)), Outcome(operation, waiting, again_after_s)

    def undeclare(self, app: Application) -> None:
        """Take back all that `app` declares, and forget it."""
        self.declarations.undeclare(_source(app))
        self.apps.forget(app.name)

    def _declare(self, pass_request: PassRequest, rendered: Rendered, generated: Generated) -> Sequence[str]:
        app, request = pass_request.app, pass_request.request
        prune = request.prune if request is not None else app.sync_policy.prune
        chosen = frozenset(request.resources) if request is not None else frozenset()
        documents = generated if chosen else rendered  # a whole source is told with its sets: their faults keep things
        pairs = [
            (manifest, origin)
            for manifest, origin in zip(documents.manifests, documents.origins, strict=True)
            if not chosen or _key(manifest) in chosen
        ]
        problems = self.declarations.declare(
            _source(app),
            [manifest for manifest, _ in pairs],
            [origin for _, origin in pairs],
            complete=not chosen,
            prune=prune,
        )
        return () if chosen else problems  # what was not chosen is not "no longer declared"

    def _parsed(self, app: Application, manifests: Sequence[Manifest]) -> Sequence[Application | AppProject]:
        """Return what `manifests` declare, but for what is broken; comparing costs a tenth of reading it again."""
        children = []
        for manifest in filter(is_declaration, manifests):
            name = manifest["metadata"]["name"]
            current = self._held(manifest["kind"], name) if isinstance(name, str) else None
            with suppress(InvalidDeclaration, NotSupported):  # told where it is declared
                same = current is not None and current.manifest == manifest
                children.append(current if same and current else declared(manifest, Origin(_source(app))))
        return children

    def _compare(self, app: Application, manifests: Sequence[Manifest]) -> list[Compared]:
        """Return the verdict on every declaration of `app`, and on every application that it declared before."""
        declared_here = {_key(manifest): self._compared(manifest) for manifest in manifests}
        extra = [
            _extra(other, going=self.apps.deleting(other.name))
            for other in self.apps.all()
            if other.origin.source == _source(app) and _named(APPLICATION, other.name) not in declared_here
        ]
        return [*declared_here.values(), *extra]

    def _goes(self, compared: Compared) -> bool:
        """Tell whether it is an application that Git does not hold and that is being deleted."""
        return compared.pair.target is None and self.apps.deleting(AppName(compared.pair.key.name))

    def _compared(self, manifest: Manifest) -> Compared:
        current = self._held(manifest["kind"], manifest["metadata"]["name"])
        pair = Pair(_key(manifest), manifest, Absent())
        if current is None:
            health = Health(HealthStatus.MISSING)
            return Compared(pair, SyncStatus.OUT_OF_SYNC, reason="it is not declared", health=health)
        health = Health(HealthStatus.HEALTHY)
        if current.manifest == manifest:
            return Compared(pair, SyncStatus.SYNCED, health=health)
        reason = f"it is declared otherwise at {current.origin}"
        return Compared(pair, SyncStatus.OUT_OF_SYNC, reason=reason, health=health)

    def _held(self, kind: str, name: str) -> Application | AppProject | None:
        if kind == APPLICATION:
            return self.apps.get(AppName(name))
        return self.apps.project(ProjectName(name)) if kind == PROJECT else None

    def _noted(
        self, pass_request: PassRequest, rendered: Rendered, target: TargetHash, tasks: tuple[Task, ...]
    ) -> Operation | None:
        """Return the last operation: a new one where a person asked, or where a new content was declared."""
        app, request, now_s = pass_request.app, pass_request.request, self.now_s()
        last = self.apps.operation(app.name)
        done = any(task.state is TaskState.DONE for task in tasks)
        tried = last is not None and last.target == target and not last.scope.dry_run
        if request is None and not done and (tried or not tasks or not app.sync_policy.automated):
            return last
        dry_run = request is not None and request.dry_run
        end, message = _end(tasks, dry_run=dry_run)
        operation = Operation(
            id=self.new_id(),
            app=app.name,
            cluster=HERE,
            target=target,
            revisions=rendered.revisions,
            tasks=tasks,
            phase=end.phase,
            end=end,
            message=message,
            started_s=now_s,
            finished_s=now_s,
            initiated_by=request.initiated_by if request is not None else "",
            cause=OperationCause.CONTENT if request is None else OperationCause.PERSON,
            scope=_scope(request, pinned=bool(pass_request.refs)),
        )
        self.apps.put_operation(operation)
        if request is not None and self.apps.request(app.name) == request:
            self.apps.ask(app.name, None)
        return operation


def _end(tasks: Sequence[Task], *, dry_run: bool) -> tuple[EndReason, str]:
    """Return how it ended and that in words."""
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if dry_run:
        return EndReason.DRY_RUN, "dry run: nothing was declared"
    count = len(tasks) - len(failed)
    if failed:
        return EndReason.TASK_FAILED, f"{count} declared, {len(failed)} not: {failed[0].message}"
    return EndReason.COMPLETED, f"{count} declared"


def _scope(request: SyncRequest | None, *, pinned: bool) -> OperationScope:
    if request is None:
        return OperationScope(pinned=pinned)
    return OperationScope(request.prune, request.dry_run, bool(request.resources), pinned)


def _tasks(before: Sequence[Compared], after: Sequence[Compared], *, declared: bool) -> tuple[Task, ...]:
    """Return what became of what differed: DONE where it does no longer, PENDING where nothing was declared."""
    now = {compared.pair.key: compared for compared in after if compared.status is SyncStatus.OUT_OF_SYNC}
    tasks = []
    for compared in before:
        key, still = compared.pair.key, now.get(compared.pair.key)
        if compared.status is not SyncStatus.OUT_OF_SYNC:
            continue
        verb = TaskVerb.APPLY if compared.pair.target is not None else TaskVerb.PRUNE
        state = TaskState.DONE
        if still is not None:
            state = TaskState.FAILED if declared and verb is TaskVerb.APPLY else TaskState.PENDING
        tasks.append(Task(key, verb, state=state, message=still.reason if still is not None else ""))
    return tuple(tasks)


def _extra(app: Application, *, going: bool) -> Compared:
    pair = Pair(_named(APPLICATION, app.name), None, Absent())
    reason = "Git does not hold it: it is being deleted" if going else "Git does not hold it"
    return Compared(pair, SyncStatus.OUT_OF_SYNC, reason=reason)


def _lacks(compared: Compared) -> bool:
    """Tell whether Git holds an application that could not be declared."""
    missing = compared.health is not None and compared.health.status is HealthStatus.MISSING
    return missing and compared.pair.key.kind == APPLICATION


def _source(app: Application) -> str:
    return source_of_parent(app.name)


def _key(manifest: Manifest) -> ResourceKey:
    return _named(manifest["kind"], manifest["metadata"]["name"])


def _named(kind: str, name: str) -> ResourceKey:
    return ResourceKey(GROUP, kind, "", name)

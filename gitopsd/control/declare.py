"""Applications of applications: their manifests are declarations, and "the cluster" is gitopsd itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.control.desired import Desired
from gitopsd.control.placing import Placing
from gitopsd.control.sync import Outcome
from gitopsd.core.compare import comparison
from gitopsd.core.hashes import object_hash, target_hash
from gitopsd.model.application import Application
from gitopsd.model.comparison import Absent, Compared, Comparison, Pair, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName, ClusterId, ProjectName
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from gitopsd.model.operation import Operation, OperationPhase, SyncRequest, Task, TaskState, Verb
from gitopsd.ports import Applications, Clock, Declarations

HERE = ClusterId("gitopsd")


@dataclass(frozen=True, slots=True)
class Declarer:
    apps: Applications
    declarations: Declarations
    placing: Placing
    now_s: Clock
    new_id: Callable[[], str]

    def declare(self, app: Application, desired: Desired, request: SyncRequest | None) -> tuple[Comparison, Outcome]:
        """Compare what Git declares with what is declared, and declare it where the policy or a person asks for it.

        Raises:
            UnknownCluster: the manifests are not declarations, so the destination should have been a cluster.
        """
        self.placing.declarations(app, desired.manifests)
        compared = self._compare(desired)
        differs = any(each.status is SyncStatus.OUT_OF_SYNC for each in compared)
        warnings: tuple[str, ...] = ()
        last = self.apps.operation(app.name)
        if request is not None or app.sync_policy.automated:
            # Declared at every pass: what the source no longer holds is known only by telling it whole.
            prune = request.prune if request is not None else app.sync_policy.prune
            warnings = tuple(
                self.declarations.declare(
                    f"app:{app.name}", desired.manifests, desired.origins, complete=True, prune=prune
                )
            )
            if differs or request is not None:
                last = self._done(app, desired, compared, request)
            compared = self._compare(desired)
        hashes = {key_of(manifest): object_hash(manifest) for manifest in desired.manifests}
        found = comparison(compared, target_hash(hashes), (*desired.warnings, *warnings))
        waiting = "" if app.sync_policy.automated or not differs else "automated sync is off"
        return found, Outcome(last, waiting)

    def undeclare(self, app: Application) -> None:
        """Take back all that `app` declares, and forget it."""
        self.declarations.undeclare(f"app:{app.name}")
        self.apps.forget(app.name)

    def _compare(self, desired: Desired) -> list[Compared]:
        return [self._compared(manifest) for manifest in desired.manifests]

    def _compared(self, manifest: Manifest) -> Compared:
        name = manifest["metadata"]["name"]
        held = (
            self.apps.get(AppName(name)) if manifest["kind"] == "Application" else self.apps.project(ProjectName(name))
        )
        pair = Pair(_key(manifest), manifest, Absent())
        if held is not None and held.manifest == manifest:
            return Compared(pair, SyncStatus.SYNCED, health=Health(HealthStatus.HEALTHY))
        missing = held is None
        health = Health(HealthStatus.MISSING if missing else HealthStatus.HEALTHY)
        reason = "it is not declared" if missing else f"it is declared otherwise at {held.origin if held else ''}"
        return Compared(pair, SyncStatus.OUT_OF_SYNC, reason=reason, health=health)

    def _done(
        self, app: Application, desired: Desired, compared: list[Compared], request: SyncRequest | None
    ) -> Operation:
        now_s = self.now_s()
        tasks = tuple(
            Task(each.pair.key, Verb.APPLY, state=TaskState.DONE)
            for each in compared
            if each.status is SyncStatus.OUT_OF_SYNC
        )
        operation = Operation(
            id=self.new_id(),
            app=app.name,
            cluster=HERE,
            target=target_hash({key_of(manifest): object_hash(manifest) for manifest in desired.manifests}),
            revisions=desired.revisions,
            tasks=tasks,
            phase=OperationPhase.SUCCEEDED,
            message=f"{len(tasks)} declared",
            started_s=now_s,
            finished_s=now_s,
            initiated_by=request.initiated_by if request else "",
            automated=request is None,
        )
        self.apps.put_operation(operation)
        if request is not None:
            self.apps.ask(app.name, None)
        return operation


def _key(manifest: Manifest) -> ResourceKey:
    return ResourceKey("argoproj.io", manifest["kind"], "", manifest["metadata"]["name"])

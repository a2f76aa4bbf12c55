"""Where an application goes and what it wants there: destination, permissions, target, readings, guard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitopsd.control.barrier import Barrier
from gitopsd.control.desired import Desired
from gitopsd.core.declaration import DECLARE, Declare, no_cluster, only_declarations, resolve_destination
from gitopsd.core.options import parse_options
from gitopsd.core.pairing import owns
from gitopsd.core.permissions import Place, destination_conditions, object_conditions, source_conditions
from gitopsd.core.plan import contested
from gitopsd.core.prune import Guard, approved_s, kept
from gitopsd.core.target import Target, target_of
from gitopsd.errors import ClusterUnreachable, NotPermitted, UnknownCluster
from gitopsd.model.application import Application, Mode
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Found, Reading, Unreadable
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of, key_of
from gitopsd.model.project import AppProject
from gitopsd.model.status import Condition
from gitopsd.ports import Applications, Inventory, LiveStates

NAMESPACE = GVK("", "v1", "Namespace")
HERE = Place("gitopsd", "")  # the destination of declarations


@dataclass(frozen=True, slots=True)
class Aim:
    """What one application wants of one cluster, beside what is there."""

    cluster: ClusterId
    mode: Mode
    target: Target
    readings: dict[ResourceKey, Reading]
    guard: Guard
    conditions: tuple[Condition, ...]
    watch_age_s: float

    @property
    def unheard(self) -> bool:
        """Tell whether the watch has yet to tell of a write of ours, so that the readings are known to be old."""
        return any(isinstance(reading, Unreadable) and reading.ours for reading in self.readings.values())


@dataclass(frozen=True, slots=True)
class Placing:
    """Finds it out, and keeps the index of targets over all applications."""

    apps: Applications
    inventory: Inventory
    live: LiveStates
    barrier: Barrier
    clusters: Mapping[ClusterId, str]  # of the settings → server URL
    mode: Mode  # the daemon's
    wake: Callable[[AppName], None]  # asks for a pass over another application

    def destination(self, app: Application) -> ClusterId | Declare:
        """Return the cluster of `app`, or DECLARE. Raises UnknownCluster."""
        return resolve_destination(app.destination, self.clusters)

    def cluster_of(self, app: Application) -> ClusterId | None:
        """Return the cluster of `app`; None where it names none that is known."""
        try:
            found = resolve_destination(app.destination, self.clusters)
        except UnknownCluster:
            return None
        return None if found is DECLARE else found

    def seen(self, cluster: ClusterId) -> bool:
        """Tell whether the first lists of `cluster` are in and it answers."""
        age = self.live.age(cluster)
        return age.synced and not age.error

    def why_unseen(self, cluster: ClusterId) -> str:
        return self.live.age(cluster).error or f"cluster {cluster} is being listed for the first time"

    def permit(self, app: Application) -> None:
        """Raise NotPermitted where the project of `app` does not exist, or not allow its sources or destination."""
        project = self._project(app)
        refusals = list(source_conditions(project, app))
        cluster = self.destination(app)
        place = HERE if cluster is DECLARE else self._place(cluster)
        _refuse([*refusals, *destination_conditions(project, app, place)])

    def aim(self, app: Application, cluster: ClusterId, desired: Desired) -> Aim:
        """Return target and readings of `app`; its target is in the index from here on.

        A target at revisions that a person named does not take the place of the epoch's in the index, but joins it.

        Raises:
            InvalidManifest: an object cannot be applied.
            NotPermitted: the project does not allow a kind or namespace of the target.
            UnknownCluster: the destination was gitopsd itself, and the manifests are no declarations.
        """
        target = target_of(app.name, app.destination.namespace, desired.manifests, self.scope(cluster))
        _refuse(object_conditions(self._project(app), self._place(cluster), target.objects))
        self._index(app, cluster, target, desired)
        wanted = [ObjectRef(key, gvk_of(manifest)) for key, manifest in target.objects.items()]
        if app.destination.namespace:
            wanted.append(ObjectRef(ResourceKey("", "Namespace", "", app.destination.namespace), NAMESPACE))
        if self.apps.deleting(app.name):
            left = (key for where, key in self.inventory.targets(app.name) if where == cluster)
            wanted = [ObjectRef(key, GVK(key.group, "", key.kind)) for key in left]
        readings = dict(self.live.readings(cluster, app.name, wanted))
        guard = self._guard(app, cluster, target, readings)
        return Aim(
            cluster,
            self._mode(app),
            target,
            readings,
            guard,
            (*target.conditions, *_shared(guard)),
            self.live.age(cluster).oldest_s,
        )

    def empty(self, aim: Aim) -> bool:
        """Tell whether nothing that is to be deleted is left of the application, and everything can be read."""
        return not any(_left(reading, aim.guard) for reading in aim.readings.values())

    def declarations(self, app: Application, manifests: Sequence[Manifest]) -> None:
        """Raise UnknownCluster where the manifests of an application of applications are not all declarations.

        Raises NotPermitted where its project does not permit them: whoever may declare a project is bound by none.
        """
        if not only_declarations(manifests):
            raise no_cluster(app.destination)
        namespace = app.destination.namespace or "argocd"
        keys = [replace(key_of(manifest), namespace=namespace) for manifest in manifests]
        _refuse(object_conditions(self._project(app), HERE, keys))

    def scope(self, cluster: ClusterId) -> Callable[[GVK], bool | None]:
        def scope(gvk: GVK) -> bool | None:
            found = self.live.resource(cluster, gvk)
            if isinstance(found, Unreadable):
                # Taken for namespaced, a cluster-scoped object would get another key, and nobody would look at it.
                raise ClusterUnreachable(
                    f"whether {gvk} is namespaced cannot be read of cluster {cluster}: {found.cause}",
                    remedy="see the cluster's API groups; nothing is written until they can be read",
                )
            return found.namespaced if isinstance(found, ApiResource) else None

        return scope

    def _index(self, app: Application, cluster: ClusterId, target: Target, desired: Desired) -> None:
        if self.apps.deleting(app.name):
            return
        before = self.inventory.targets(app.name)
        for elsewhere in {where for where, _ in before} - {cluster}:
            self.inventory.put_targets(app.name, elsewhere, ())
        wanted = {*target.objects, *target.held}
        if desired.mark is None:
            wanted |= {key for where, key in before if where == cluster}
        self.inventory.put_targets(app.name, cluster, wanted)
        if desired.mark is not None:
            self.barrier.passed(app.name, desired.mark)
        for where, key in before ^ self.inventory.targets(app.name):
            for other in self.inventory.wanted_by(where, key) - {app.name}:
                self.wake(other)

    def _guard(
        self, app: Application, cluster: ClusterId, target: Target, readings: Mapping[ResourceKey, Reading]
    ) -> Guard:
        options, _ = parse_options(app.sync_policy.options, subject=f"Application {app.name}")
        others = {key: others for key in readings if (others := self.inventory.wanted_by(cluster, key) - {app.name})}
        repos = frozenset(source.repo_url for source in app.sources)
        extra = any(
            key not in target.objects and isinstance(reading, Found) and owns(app.name, reading.live)
            for key, reading in readings.items()
        )
        return Guard(
            app.name,
            options,
            self.barrier.waits_for(app.name, cluster, repos) if extra else (),
            others,
            app.adopted,
            approved_s(app.manifest),
            self.apps.deleting(app.name),
        )

    def _mode(self, app: Application) -> Mode:
        modes = (self.mode, self._project(app).mode, app.mode)
        return Mode.OBSERVE if Mode.OBSERVE in modes else Mode.ENFORCE

    def _project(self, app: Application) -> AppProject:
        project = self.apps.project(app.project)
        if project is None:
            raise NotPermitted(f"there is no project {app.project}", remedy="declare it, or name one that is there")
        return project

    def _place(self, cluster: ClusterId) -> Place:
        return Place(cluster, self.clusters[cluster])


def _left(reading: Reading, guard: Guard) -> bool:
    if not isinstance(reading, Found):
        return isinstance(reading, Unreadable)
    refusal = kept(reading.live, guard, 0.0) if owns(guard.app, reading.live) else None
    return owns(guard.app, reading.live) and (refusal is None or refusal.waits)


def _refuse(conditions: Sequence[Condition]) -> None:
    if conditions:
        what = "; ".join(condition.message for condition in conditions)
        raise NotPermitted(what, remedy=conditions[0].remedy)


def _shared(guard: Guard) -> tuple[Condition, ...]:
    return tuple(
        Condition("SharedResourceWarning", f"{key}: {contested(others)}", "it is applied by neither until one yields")
        for key, others in sorted(guard.others.items())
    )

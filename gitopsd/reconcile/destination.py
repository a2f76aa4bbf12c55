"""Where an application goes and what it wants there: destination, permissions, target, readings, guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gitopsd.core.compare.pairing import owns
from gitopsd.core.declaration import DECLARE, Declare, no_cluster, only_declarations, resolve_destination
from gitopsd.core.project.access import (
    DestinationCluster,
    account_of,
    destination_conditions,
    object_conditions,
    source_conditions,
)
from gitopsd.core.project.declaring_rights import ARGOCD_NAMESPACE, Declared, DeclaringRights
from gitopsd.core.sync import windows
from gitopsd.core.sync.deletion import delete_hooks
from gitopsd.core.sync.prune import Guard, prune_refusal
from gitopsd.core.sync.shared_resources import shared_conditions
from gitopsd.core.target import namespace_metadata as namespace
from gitopsd.core.target.exclusions import included
from gitopsd.core.target.hooks import hook_refs
from gitopsd.core.target.target import KindScope, Target, target_of, unreadable
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.core.tree.orphans import orphans, warning
from gitopsd.core.tree.owners import Child
from gitopsd.errors import ClusterUnreachable, NotPermitted, UnknownCluster
from gitopsd.model.application import Application, Mode
from gitopsd.model.cluster import ApiResource, LiveObject
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Found, Reading, Unreadable
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey, gvk_of
from gitopsd.model.project import AppProject, SyncWindow
from gitopsd.model.residents import Residents
from gitopsd.model.status import Condition
from gitopsd.ports import Applications, LiveStates
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.rendering import Rendered
from gitopsd.reconcile.request import PassRequest

NAMESPACE = GVK("", "v1", "Namespace")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one application wants of one cluster, beside what is there."""

    cluster: ClusterId
    mode: Mode  # the strictest of daemon, project and application
    target: Target
    readings: dict[ResourceKey, Reading]
    guard: Guard
    guard_now: Callable[[Collection[ResourceKey]], Guard]  # of some objects, as it is when it is called
    conditions: tuple[Condition, ...]
    watch_age_s: float
    windows: tuple[SyncWindow, ...] = ()  # that concern the application
    user: str = ""  # in whose name is written; "": gitopsd's own
    namespace_differs: bool = False  # from what the application keeps on it
    orphans: int = 0  # objects of no application in its namespace, where its project asks for them
    residents_now: Callable[[LiveObject], Awaitable[Residents]] | None = None  # asks what lives in an object

    @property
    def unheard(self) -> bool:
        """Tell whether the watch has yet to tell of a write of ours, so that the readings are known to be old."""
        return any(isinstance(reading, Unreadable) and reading.ours for reading in self.readings.values())

    @property
    def empty(self) -> bool:
        """Tell whether nothing that is to be deleted is left of the application, and everything can be read."""
        return not any(_left(reading, self.guard) for reading in self.readings.values())


@dataclass(frozen=True, slots=True)
class Destinations:
    """Finds it out."""

    apps: Applications
    live: LiveStates
    wants: TargetIndex
    clusters: Mapping[ClusterId, str]  # of the settings → server URL
    mode: Mode  # the daemon's
    tracking: Tracking = ANNOTATION
    excluded: Callable[[ClusterId, GroupKind], bool] = lambda *_: False  # kinds that are neither read nor written
    home: str = ARGOCD_NAMESPACE  # where Argo CD's applications are that need no sourceNamespaces

    def destination(self, app: Application) -> ClusterId | Declare:
        """Return the cluster of `app`, or DECLARE. Raises UnknownCluster."""
        return resolve_destination(app.destination, self.clusters)

    def cluster_of(self, app: Application) -> ClusterId | None:
        """Return the cluster of `app`; None where it names none that is known."""
        try:
            found = self.destination(app)
        except UnknownCluster:
            return None
        return None if found is DECLARE else found

    def place(self, orders: PassRequest) -> ClusterId | Declare:
        """Return where an application goes, and may go.

        Raises:
            UnknownCluster: its destination is no cluster of the settings.
            NotPermitted: its project does not exist, or does not allow its sources or destination.
        """
        app, project = orders.app, self.apps.project(orders.app.project)
        if project is None and not orders.deleting:
            raise _no_project(app)
        try:
            cluster = self.destination(app)
            _refuse(self._refusals(app, project, cluster))
            if not orders.deleting:
                _refuse(self._declared_by(app, project))
            if cluster is not DECLARE:
                self.user_of(app, cluster)
        except (UnknownCluster, NotPermitted):
            # Neither changes but with the settings or a declaration, so nobody's prunes wait for it.
            self.wants.as_before(app)
            raise
        return cluster

    def tried(self, app: Application, mark: int) -> None:
        """Take note of a pass over `app` that began at `mark`; where its cluster is not seen yet, it said nothing."""
        cluster = self.cluster_of(app)
        if cluster is None or self.seen(cluster):
            self.wants.tried(app, mark)

    def seen(self, cluster: ClusterId) -> bool:
        """Tell whether the first lists of `cluster` are in and it answers."""
        age = self.live.age(cluster)
        return age.synced and not age.error

    def lost(self, cluster: ClusterId) -> bool:
        """Tell whether `cluster` does not answer, as against being listed for the first time."""
        return bool(self.live.age(cluster).error)

    def unseen(self, cluster: ClusterId) -> ClusterUnreachable:
        """Return why nothing is known of `cluster`."""
        what = self.live.age(cluster).error or f"cluster {cluster} is being listed for the first time"
        return ClusterUnreachable(what, remedy="nothing is compared or written until it can be read")

    def aim(self, orders: PassRequest, cluster: ClusterId, desired: Rendered) -> Snapshot:
        """Return target and readings of an application; its target is in the index from here on.

        Raises:
            InvalidManifest: an object cannot be applied.
            NotPermitted: the project does not allow a kind or namespace of the target.
        """
        app, deleting = orders.app, orders.deleting
        target = self.target(app, cluster, desired.manifests)
        if deleting:
            target = self._permitted(app, cluster, target)
            self.wants.as_before(app)  # what it left in the cluster is in the index until it is gone
        else:
            self._want(app, cluster, target, desired)
            if desired.mark is not None:
                self.wants.inventory.put_delete_hooks(app.name, delete_hooks(target.hooks))
        readings = self._readings(orders, cluster, target)
        extra = any(key not in target.objects and _owned(app, reading) for key, reading in readings.items())
        guard_now = partial(self.wants.guard, app, cluster, deleting=deleting, pinned=desired.mark is None)
        guard = guard_now(readings, prunes=extra)
        shared = {key: others for key, others in guard.others.items() if key in target.objects}
        self.wants.contend(app.name, shared)
        orphans = self.orphans(app, cluster)
        kept_otherwise = () if deleting else _kept_otherwise(app, target, guard, readings)
        if guard.home is not None:
            target = replace(target, held=target.held | {guard.home})
        return Snapshot(
            cluster,
            self.mode_of(app),
            target,
            readings,
            guard,
            guard_now,
            (
                *target.conditions,
                *self._shared(app, target, readings, shared),
                *unreadable(target, readings),
                *self._orphaned(app, cluster, orphans),
                *namespace.warning(app.destination.namespace, kept_otherwise),
            ),
            self.live.age(cluster).oldest_s,
            self.windows(app, cluster),
            self.user_of(app, cluster),
            bool(kept_otherwise),
            len(orphans),
        )

    def orphans(self, app: Application, cluster: ClusterId) -> tuple[Child, ...]:
        """Return what lies in the application's namespace and is of none, where its project asks for it; of memory."""
        project, namespace = self.apps.project(app.project), app.destination.namespace
        if project is None or project.orphans is None or not namespace:
            return ()
        inventory = self.wants.inventory
        return orphans(
            self.live.unowned(cluster, namespace),
            project,
            self._exists,
            lambda key: bool(inventory.wanted_by(cluster, key)),
        )

    def _orphaned(self, app: Application, cluster: ClusterId, found: Sequence[Child]) -> tuple[Condition, ...]:
        project = self.apps.project(app.project)
        where = f"namespace {app.destination.namespace} of cluster {cluster}"
        return warning(project, found, where) if project is not None else ()

    def _exists(self, name: AppName) -> bool:
        return self.apps.get(name) is not None

    def _shared(
        self,
        app: Application,
        target: Target,
        readings: Mapping[ResourceKey, Reading],
        others: Mapping[ResourceKey, frozenset[AppName]],
    ) -> tuple[Condition, ...]:
        return shared_conditions(app.name, target.objects, readings, others, self._exists)

    def declarations(self, app: Application, manifests: Sequence[Manifest], declared: Sequence[Declared]) -> None:
        """Raise UnknownCluster where the manifests of an application of applications are not all declarations.

        Raises NotPermitted where its project does not let it declare what of them can be read, which is `declared`.
        """
        try:
            if not only_declarations(manifests):
                raise no_cluster(app.destination)
            _refuse(self._rights.conditions(self._project(app), app, declared))
        except (UnknownCluster, NotPermitted):
            self.wants.as_before(app)
            raise

    def mode_of(self, app: Application) -> Mode:
        """Return the strictest mode of daemon, project and application."""
        project = self.apps.project(app.project)
        modes = (self.mode, project.mode if project else Mode.ENFORCE, app.mode)
        return Mode.OBSERVE if Mode.OBSERVE in modes else Mode.ENFORCE

    def user_of(self, app: Application, cluster: ClusterId) -> str:
        """Return in whose name the application is written; "": gitopsd's own. Raises NotPermitted."""
        project = self.apps.project(app.project)
        return account_of(project, self._place(cluster), app.destination.namespace) if project is not None else ""

    def target(self, app: Application, cluster: ClusterId, manifests: Sequence[Manifest]) -> Target:
        """Return the target of `app` in `cluster`, without kinds that are left out there. Raises InvalidManifest."""
        prune_refusal, told = included(manifests, partial(self.excluded, cluster))
        scope = self._scope(cluster, app)
        target = target_of(app.name, app.destination.namespace, prune_refusal, scope, self.tracking)
        return replace(target, conditions=(*target.conditions, *told)) if told else target

    def _scope(self, cluster: ClusterId, app: Application) -> KindScope:
        """Return how `cluster` scopes a kind; where it does not tell, as the objects of the kind that `app` had say."""

        def scope(gvk: GVK) -> bool | Unreadable | None:
            match self.live.resource(cluster, gvk):
                case ApiResource(namespaced=namespaced):
                    return namespaced
                case Unreadable() as unreadable:
                    left = self._left(app, cluster)
                    known = {bool(key.namespace) for key in left if key.group_kind == gvk.group_kind}
                    return known.pop() if len(known) == 1 else unreadable
                case _:
                    return None

        return scope

    def _want(self, app: Application, cluster: ClusterId, target: Target, desired: Rendered) -> None:
        project, place = self._project(app), self._place(cluster)
        hooks = (hook.key for hook in target.hooks)
        # What is not placed yet is not written yet, and is asked about once it is.
        refusals = object_conditions(project, place, {*target.objects, *hooks} - target.unplaced)
        wanted = {*target.objects, *target.held}
        if refusals or target.unplaced:  # what it may not have it cannot contend for
            wanted = {key for key in wanted if not object_conditions(project, place, [key])}
        self.wants.known(app, cluster, wanted, desired.mark)
        _refuse(refusals)

    def _readings(self, orders: PassRequest, cluster: ClusterId, target: Target) -> dict[ResourceKey, Reading]:
        """Return the readings of the target, and of what else there is of the application that its project permits."""
        app = orders.app
        wanted = [ObjectRef(key, gvk_of(manifest)) for key, manifest in target.objects.items()]
        operation = self.apps.operation(app.name)
        wanted += hook_refs(target.hooks, operation.id if operation is not None and not operation.phase.over else "")
        left = self._left(app, cluster)
        namespaces = {app.destination.namespace} if app.destination.namespace else set()
        if orders.deleting:
            hooks = {ref.key for ref in wanted}
            others = (key for key in left - hooks if not self.excluded(cluster, key.group_kind))
            wanted += [ObjectRef(key, GVK(key.group, "", key.kind)) for key in sorted(others)]
            namespaces = {key.namespace for key in hooks if key.namespace}
        beside = {ResourceKey("", "Namespace", "", name) for name in namespaces} - {ref.key for ref in wanted}
        wanted += [ObjectRef(key, NAMESPACE) for key in sorted(beside)]
        project, place = self.apps.project(app.project), self._place(cluster)

        def counts(key: ResourceKey, reading: Reading) -> bool:
            if key in beside and isinstance(reading, Unreadable):
                return reading.pending  # who may not see namespaces has a place in some all the same
            if key in target.objects or not _owned(app, reading):
                return True
            # A project that went with its applications permits what is known to be theirs, and nothing else.
            return key in left if project is None else not object_conditions(project, place, [key])

        found = self.live.readings(cluster, app.name, wanted)
        return {key: reading for key, reading in found.items() if counts(key, reading)}

    def _left(self, app: Application, cluster: ClusterId) -> frozenset[ResourceKey]:
        return frozenset(key for where, key in self.wants.inventory.targets(app.name) if where == cluster)

    def _permitted(self, app: Application, cluster: ClusterId, target: Target) -> Target:
        """Return the target of a deletion without the hooks that the project does not permit by now."""
        project, place = self.apps.project(app.project), self._place(cluster)
        if project is None:  # it went with its applications, and had permitted them
            return target
        refused = [hook for hook in target.hooks if object_conditions(project, place, [hook.key])]
        conditions = object_conditions(project, place, [hook.key for hook in refused])
        hooks = tuple(hook for hook in target.hooks if hook not in refused)
        return replace(target, hooks=hooks, conditions=(*target.conditions, *conditions))

    def _project(self, app: Application) -> AppProject:
        project = self.apps.project(app.project)
        if project is None:
            raise _no_project(app)
        return project

    def permitted(self, app: Application, cluster: ClusterId, key: ResourceKey) -> str:
        """Return in whose name the object `key` is written; "": gitopsd's own. Raises NotPermitted."""
        project, place = self._project(app), self._place(cluster)
        _refuse(object_conditions(project, place, [key]))
        return account_of(project, place, key.namespace)

    def windows(self, app: Application, cluster: ClusterId) -> tuple[SyncWindow, ...]:
        """Return the sync windows that concern the application in `cluster`."""
        project = self.apps.project(app.project)
        place = windows.WindowSubject(app.name, (cluster, self.clusters[cluster]), app.destination.namespace)
        return windows.windows_of(project.sync_windows, place) if project is not None else ()

    def _place(self, cluster: ClusterId) -> DestinationCluster:
        return DestinationCluster(cluster, self.clusters[cluster])

    @property
    def _rights(self) -> DeclaringRights:
        return DeclaringRights(self.clusters, self.apps.project, self.home)

    def _refusals(
        self, app: Application, project: AppProject | None, cluster: ClusterId | Declare
    ) -> Sequence[Condition]:
        if project is None:
            return ()
        if cluster is DECLARE:
            return [*source_conditions(project, app), *self._rights.destination_conditions(project, app)]
        return [*source_conditions(project, app), *destination_conditions(project, app, self._place(cluster))]

    def _declared_by(self, app: Application, project: AppProject | None) -> Sequence[Condition]:
        """Return why `app`, or its project, may not be what the application says that declares it.

        It was asked when they were declared, and projects change.
        """
        found: list[Condition] = []
        for each in (app, project) if project is not None else (app,):
            parent = self.apps.get(each.origin.parent) if each.origin.parent else None
            theirs = self.apps.project(parent.project) if parent is not None else None
            if parent is not None and theirs is not None:
                found += self._rights.conditions(theirs, parent, [each])
        return found


def _refuse(conditions: Sequence[Condition]) -> None:
    if conditions:
        what = "; ".join(condition.message for condition in conditions)
        raise NotPermitted(what, remedy=conditions[0].remedy)


def _no_project(app: Application) -> NotPermitted:
    return NotPermitted(f"there is no project {app.project}", remedy="declare it, or name one that is there")


def _kept_otherwise(
    app: Application, target: Target, guard: Guard, readings: Mapping[ResourceKey, Reading]
) -> tuple[str, ...]:
    """Return what is on the application's namespace otherwise than it keeps it."""
    key = ResourceKey("", "Namespace", "", app.destination.namespace)
    if not guard.options.create_namespace or key in target.objects:
        return ()
    return namespace.differences(app.name, app.sync_policy.namespace_metadata, readings.get(key))


def _owned(app: Application, reading: Reading) -> bool:
    return isinstance(reading, Found) and owns(app.name, reading.live)


def _left(reading: Reading, guard: Guard) -> bool:
    if not isinstance(reading, Found) or not owns(guard.app, reading.live):
        return isinstance(reading, Unreadable)
    refusal = prune_refusal(reading.live, guard, 0.0)
    return refusal is None or refusal.waits

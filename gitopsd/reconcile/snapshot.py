"""Stage 3, snapshot: target and live state of one application, as a pass finds them; nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from gitopsd.core.compare.pairing import known_of, owns
from gitopsd.core.project.access import ProjectAccess
from gitopsd.core.sync.prune import Guard, prune_refusal
from gitopsd.core.sync.residents import Leaver, stays, whose
from gitopsd.core.sync.shared_resources import shared_conditions
from gitopsd.core.target import namespace_metadata
from gitopsd.core.target.exclusions import included
from gitopsd.core.target.hooks import hook_refs
from gitopsd.core.target.sync_options import hook_types
from gitopsd.core.target.target import KindScope, Target, target_of, unreadable, with_nameless
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.core.tree.orphans import orphans, warning
from gitopsd.core.tree.owners import Child
from gitopsd.errors import ClusterUnreachable
from gitopsd.model.application import Application, Mode
from gitopsd.model.cluster import ApiResource, LiveObject
from gitopsd.model.command import ObjectRef
from gitopsd.model.comparison import Found, Reading, Unreadable
from gitopsd.model.ids import AppName, ClusterId, Uid
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey, gvk_of
from gitopsd.model.pass_request import PassRequest
from gitopsd.model.project import SyncWindow
from gitopsd.model.residents import NAMESPACE, Resident, Residents, is_holder
from gitopsd.model.status import Condition
from gitopsd.ports import Applications, Clock, LiveStates
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.ownership import TargetIndex
from gitopsd.reconcile.rendering import Rendered

NAMESPACES = GVK("", "v1", "Namespace")
BUSY_S = 2.0  # how old what a pass plans with may be while a sync runs; right before a delete it is asked anew …
CALM_S = 10.0  # … and how old what is only shown


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
    windows: tuple[SyncWindow, ...] = ()  # that concern the application
    user: str = ""  # in whose name is written; "": gitopsd's own
    namespace_differs: bool = False  # from what the application keeps on it
    orphans: int = 0  # objects of no application in its namespace, where its project asks for them
    residents_now: Callable[[LiveObject], Awaitable[Residents]] | None = None  # asks what lives in an object
    unheard: bool = False  # the watch has yet to tell of a write of ours, so that the readings are known to be old

    @property
    def empty(self) -> bool:
        """Tell whether nothing that is to be deleted is left of the application, and everything can be read."""
        return not any(_left(reading, self.guard) for reading in self.readings.values())


class ResidentSource(Protocol):
    """Asks a cluster."""

    async def look(
        self, cluster: ClusterId, holder: LiveObject, roots: Collection[Uid], counts: Callable[[Resident], bool]
    ) -> Residents:
        """Return what lives in `holder` and counts; what cannot be read may live there.

        `roots` are the objects that go with it: what they own does, too.
        """
        ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who deletes, and where."""

    cluster: ClusterId
    guard: Guard
    stays: frozenset[ResourceKey] = frozenset()  # what Git holds
    roots: frozenset[Uid] = frozenset()  # objects that go


@dataclass(frozen=True, slots=True)
class Holders:
    """Looks at the objects in which others may live."""

    apps: Applications
    destinations: Destinations
    targets: TargetIndex
    clusters: ResidentSource
    now_s: Clock
    _known: dict[tuple[AppName, ClusterId, Uid], tuple[float, Residents]] = field(default_factory=dict)

    async def seen(self, request: PassRequest, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with a guard that knows what lives in what the application may delete."""
        target, going = snapshot.target, request.deleting
        staying = frozenset() if going else frozenset({*target.objects, *target.held} - {snapshot.guard.home})
        lives = [reading.live for reading in snapshot.readings.values() if isinstance(reading, Found)]
        gone = [live for live in lives if live.key not in staying and owns(snapshot.guard.app, live)]
        leaving = Leaving(snapshot.cluster, snapshot.guard, staying, frozenset(live.uid for live in gone))
        operation = self.apps.operation(snapshot.guard.app)
        busy = going or (operation is not None and not operation.phase.over)
        goes = [live for live in lives if live in gone or _is_hook(live, snapshot.guard.app)]
        holders = [
            live for live in goes if is_holder(live.key) and not live.deleting and live.key != snapshot.guard.home
        ]
        residents = {live.key: await self._known_of(live, leaving, BUSY_S if busy else CALM_S) for live in holders}
        guard = replace(snapshot.guard, residents=residents)
        return replace(snapshot, guard=guard, residents_now=partial(self.of, leaving=leaving))

    async def of(self, live: LiveObject, leaving: Leaving) -> Residents:
        """Ask now what lives in `live` and is not to go with it."""
        guard, cluster, gone = leaving.guard, leaving.cluster, set[AppName]()
        leaver = Leaver(guard.app, guard.options, leaving.stays, guard.adopted, guard.deleting)

        def counts(resident: Resident) -> bool:
            if not stays(resident, leaver):
                return False
            other = whose(resident.live)
            if other is None or other == guard.app or not self.apps.deleting(other):
                return True
            gone.add(other)
            return False

        residents = await self.clusters.look(cluster, live, leaving.roots, counts)
        return replace(residents, wanting=self._wanting(live.key, residents.defines, leaving), leaving=frozenset(gone))

    async def _known_of(self, live: LiveObject, leaving: Leaving, age_s: float) -> Residents:
        now_s, question = self.now_s(), (leaving.guard.app, leaving.cluster, live.uid)
        for old in [one for one, (at_s, _) in self._known.items() if not 0 <= now_s - at_s < CALM_S]:
            del self._known[old]
        at_s, cached = self._known.get(question, (0.0, None))
        if cached is None or now_s - at_s >= age_s:
            cached = await self.of(live, leaving)
            self._known[question] = now_s, cached
        return cached

    def _wanting(self, holder: ResourceKey, kind: GroupKind | None, leaving: Leaving) -> frozenset[AppName]:
        """Return the applications that want objects in `holder`, whether or not they are there."""
        apps, app = self.apps, leaving.guard.app

        def inside(key: ResourceKey) -> bool:
            return key.namespace == holder.name if holder.group_kind == NAMESPACE else key.group_kind == kind

        wanting = self.targets.inventory.wanting(leaving.cluster, inside)
        if holder.group_kind == NAMESPACE:
            going_there = (other for other in apps.all() if other.destination.namespace == holder.name)
            there = (other for other in going_there if self.destinations.cluster_of(other) == leaving.cluster)
            wanting |= {other.name for other in there} - {app}
        mine = frozenset({app}) if leaving.guard.deleting else frozenset()
        return frozenset(name for name in wanting - mine if not apps.deleting(name))


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Takes them, of what is in memory."""

    apps: Applications
    live: LiveStates
    destinations: Destinations
    targets: TargetIndex  # only read here
    holders: Holders
    tracking: Tracking = ANNOTATION
    excluded: Callable[[ClusterId, GroupKind], bool] = lambda *_: False  # kinds that are neither read nor written

    def unseen(self, cluster: ClusterId) -> ClusterUnreachable:
        """Return why nothing is known of `cluster`."""
        what = self.live.age(cluster).error or f"cluster {cluster} is being listed for the first time"
        return ClusterUnreachable(what, remedy="nothing is compared or written until it can be read")

    def target(self, app: Application, cluster: ClusterId, manifests: Sequence[Manifest]) -> Target:
        """Return the target of `app` in `cluster`, without kinds that are left out there. Raises InvalidManifest."""
        remaining, conditions = included(manifests, partial(self.excluded, cluster))
        scope = self._scope(cluster, app)
        target = target_of(app.name, app.destination.namespace, remaining, scope, self.tracking)
        return replace(target, conditions=(*target.conditions, *conditions)) if conditions else target

    def target_of_pass(self, request: PassRequest, access: ProjectAccess, rendered: Rendered) -> Target:
        """Return what Git asks of a cluster; of a deletion, the hooks that the project permits by now.

        Raises:
            InvalidManifest: an object cannot be applied.
        """
        target = with_nameless(self.target(request.app, access.cluster, rendered.manifests), rendered.nameless)
        return _permitted(access, target) if request.deleting else target

    async def take(self, request: PassRequest, access: ProjectAccess, target: Target) -> Snapshot:
        """Return `target` beside what is live, and what must be known before anything of it is written.

        Args:
            request: what is asked of the pass.
            access: where its application goes, and what its project permits there.
            target: of `target_of_pass`, recorded in the index.
        """
        app, cluster, deleting = request.app, access.cluster, request.deleting
        readings = self._readings(request, access, target)
        extra = any(key not in target.objects and _owned(app, reading) for key, reading in readings.items())
        nameless, pinned = target.nameless, bool(request.refs)
        guard_now = partial(self.targets.guard, app, cluster, deleting=deleting, pinned=pinned, nameless=nameless)
        guard = guard_now(readings, prunes=extra)
        orphans = self.orphans(app, cluster)
        differences = () if deleting else _namespace_differences(app, target, guard, readings)
        if guard.home is not None:
            target = replace(target, held=target.held | {guard.home})
        snapshot = Snapshot(
            cluster=cluster,
            mode=access.mode,
            target=target,
            readings=readings,
            guard=guard,
            guard_now=guard_now,
            conditions=(
                *target.conditions,
                *self._shared(app, target, readings, guard),
                *unreadable(target, readings),
                *self._orphaned(app, cluster, orphans),
                *namespace_metadata.warning(app.destination.namespace, differences),
            ),
            windows=access.windows,
            user=access.user,
            namespace_differs=bool(differences),
            orphans=len(orphans),
            unheard=any(isinstance(reading, Unreadable) and reading.ours for reading in readings.values()),
        )
        return snapshot if request.left_alone or snapshot.unheard else await self.holders.seen(request, snapshot)

    def orphans(self, app: Application, cluster: ClusterId) -> tuple[Child, ...]:
        """Return what lies in the application's namespace and is of none, where its project asks for it; of memory."""
        project, namespace = self.apps.project(app.project), app.destination.namespace
        if project is None or project.orphans is None or not namespace:
            return ()
        inventory = self.targets.inventory
        return orphans(
            self.live.unowned(cluster, namespace),
            project,
            self._exists,
            lambda key: bool(inventory.wanted_by(cluster, key)),
        )

    def _orphaned(self, app: Application, cluster: ClusterId, children: Sequence[Child]) -> tuple[Condition, ...]:
        project = self.apps.project(app.project)
        where = f"namespace {app.destination.namespace} of cluster {cluster}"
        return warning(project, children, where) if project is not None else ()

    def _exists(self, name: AppName) -> bool:
        return self.apps.get(name) is not None

    def _shared(
        self,
        app: Application,
        target: Target,
        readings: Mapping[ResourceKey, Reading],
        guard: Guard,
    ) -> tuple[Condition, ...]:
        others = {key: others for key, others in guard.others.items() if key in target.objects}
        return shared_conditions(app.name, target.objects, readings, others, self._exists)

    def _scope(self, cluster: ClusterId, app: Application) -> KindScope:
        """Return how `cluster` scopes a kind; where it does not tell, as the objects of the kind that `app` had say."""

        def scope(gvk: GVK) -> bool | Unreadable | None:
            match self.live.resource(cluster, gvk):
                case ApiResource(namespaced=namespaced):
                    return namespaced
                case Unreadable() as unreadable:
                    inventory = self.targets.of(app.name, cluster)
                    scopes = {bool(key.namespace) for key in inventory if key.group_kind == gvk.group_kind}
                    return scopes.pop() if len(scopes) == 1 else unreadable
                case _:
                    return None

        return scope

    def _readings(self, request: PassRequest, access: ProjectAccess, target: Target) -> dict[ResourceKey, Reading]:
        """Return the readings of the target, and of what else there is of the application that its project permits."""
        app, cluster = request.app, access.cluster
        refs = [ObjectRef(key, gvk_of(manifest)) for key, manifest in target.objects.items()]
        operation = self.apps.operation(app.name)
        refs += hook_refs(target.hooks, operation.id if operation is not None and not operation.phase.over else "")
        inventory, named = self.targets.of(app.name, cluster), self._shown(app, cluster, target)
        refs += [ObjectRef(key, GVK(key.group, "", key.kind)) for key in sorted(named)]
        namespaces = {app.destination.namespace} if app.destination.namespace else set()
        if request.deleting:
            hooks = {ref.key for ref in refs}
            others = (key for key in inventory - hooks if not self.excluded(cluster, key.group_kind))
            refs += [ObjectRef(key, GVK(key.group, "", key.kind)) for key in sorted(others)]
            namespaces = {key.namespace for key in hooks if key.namespace}
        beside = {ResourceKey("", "Namespace", "", name) for name in namespaces} - {ref.key for ref in refs}
        refs += [ObjectRef(key, NAMESPACES) for key in sorted(beside)]

        def counts(key: ResourceKey, reading: Reading) -> bool:
            if key in beside and isinstance(reading, Unreadable):
                return reading.pending  # who may not see namespaces has a place in some all the same
            if key in target.objects or not _owned(app, reading):
                return True
            # A project that went with its applications permits what is known to be theirs, and nothing else.
            return key in inventory if access.project is None else not access.refusals([key])

        readings = dict(self.live.readings(cluster, app.name, refs))
        readings |= {key: known_of(app.name, readings[key]) for key in named}
        return {key: reading for key, reading in readings.items() if counts(key, reading)}

    def _shown(self, app: Application, cluster: ClusterId, target: Target) -> frozenset[ResourceKey]:
        """Return what was once shown in sync and Git does not hold: it may be there without the application's mark.

        Not with several installations: whoever takes the mark off there hands the object over to another one.
        """
        if self.tracking.installation:
            return frozenset()
        keys = self.targets.inventory.remembered(app.name, cluster).keys() - target.objects.keys() - target.held
        return frozenset(key for key in keys if not self.excluded(cluster, key.group_kind))


def _permitted(access: ProjectAccess, target: Target) -> Target:
    """Return the target of a deletion without the hooks that the project does not permit by now."""
    if access.project is None:  # it went with its applications, and had permitted them
        return target
    refused = [hook for hook in target.hooks if access.refusals([hook.key])]
    conditions = access.refusals([hook.key for hook in refused])
    hooks = tuple(hook for hook in target.hooks if hook not in refused)
    return replace(target, hooks=hooks, conditions=(*target.conditions, *conditions))


def _namespace_differences(
    app: Application, target: Target, guard: Guard, readings: Mapping[ResourceKey, Reading]
) -> tuple[str, ...]:
    """Return what is on the application's namespace otherwise than it keeps it."""
    key = ResourceKey("", "Namespace", "", app.destination.namespace)
    if not guard.options.create_namespace or key in target.objects:
        return ()
    return namespace_metadata.differences(app.name, app.sync_policy.namespace_metadata, readings.get(key))


def _owned(app: Application, reading: Reading) -> bool:
    return isinstance(reading, Found) and owns(app.name, reading.live)


def _left(reading: Reading, guard: Guard) -> bool:
    if not isinstance(reading, Found) or not owns(guard.app, reading.live):
        return isinstance(reading, Unreadable)
    refusal = prune_refusal(reading.live, guard, 0.0)
    return refusal is None or refusal.waits


def _is_hook(live: LiveObject, app: AppName) -> bool:
    return live.tracking is not None and live.tracking.app == app and bool(hook_types(live.marks))

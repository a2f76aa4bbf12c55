"""The supervised mirror of one cluster: discovery, a list-watch for each kind that matters, a survey of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

import structlog

from gitopsd.backoff import backoff_s
from gitopsd.errors import Retryable
from gitopsd.kube.client import KubeClient
from gitopsd.live.admission import CRD, POLICIES, Admission, definition_key
from gitopsd.live.decode import Decoder
from gitopsd.live.discovery import Discovery, discover, offered
from gitopsd.live.fair_slots import Lists
from gitopsd.live.health_checks import Checking
from gitopsd.live.kinds import PENDING, ListWatchState, VersionStore
from gitopsd.live.metadata_scans import MetadataScans
from gitopsd.live.mirror import LiveMirror
from gitopsd.live.notices import Notices
from gitopsd.live.refused_syncs import KINDS, NAMESPACE, RefusedSyncs
from gitopsd.live.residents import ResidentsOf
from gitopsd.live.scope import EVERYWHERE, WatchScope
from gitopsd.live.watch import REFRESH_S, ApiServerTraits, KindWatch, Sink
from gitopsd.live.watch_states import states_of
from gitopsd.model.cluster import ApiResource, LiveObject, Offered, RefusedAt, WatchAge, WatchState
from gitopsd.model.command import Accepted, ObjectRef
from gitopsd.model.comparison import Reading, Unreadable, Unserved
from gitopsd.model.ids import AppName, Uid
from gitopsd.model.manifest import GVK, GroupKind, Manifest, ResourceKey
from gitopsd.ports import HealthChecks

log = structlog.get_logger()

APISERVICE = GroupKind("apiregistration.k8s.io", "APIService")
ALWAYS = (  # watched in full in every cluster: what others wait for, and what trees are made of
    CRD.group_kind,
    GroupKind("", "Namespace"),
    GroupKind("", "Pod"),
    GroupKind("", "PersistentVolumeClaim"),
    GroupKind("apps", "ReplicaSet"),
    GroupKind("batch", "Job"),
)
DEBOUNCE_S = 0.3  # a CRD is written several times in its first second
LAG_S = 1.0  # between two looks for a kind whose CRD says that it is served
LAG_TRIES = 30
REDISCOVER_S = 600.0  # whatever was heard
BLIND_S = 60.0  # as often where definitions cannot be watched, which tell of new kinds
LONGEST_RETRY_S = 30.0


class ClusterMirror:
    """What one cluster says, in memory. `run` keeps it so; the rest reads it and never waits."""

    def __init__(  # noqa: PLR0913 - what it is told of, and whom it tells
        self,
        client: KubeClient,
        decoder: Decoder,
        lists: Lists,
        *,
        kinds: Callable[[], Collection[GroupKind]],
        on_change: Callable[[AppName], None],
        on_cluster: Callable[[], None],
        on_offer: Callable[[], None] = lambda: None,
        on_events: Callable[[GVK, int], None] = lambda _gvk, _count: None,
        now_s: Callable[[], float],
        checks: HealthChecks | None = None,
        bounds: WatchScope | None = None,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self.name = f"mirror of {client.name}"
        self._client = client
        self._bounds = bounds or WatchScope()
        self._server = ApiServerTraits(lists=lists, refresh_s=refresh_s, on_events=on_events)
        self._decoder = decoder
        self._stored_kinds = kinds
        self._now_s = now_s
        self._on_cluster = on_cluster
        self._notices = Notices(on_change, now_s)
        self._checking = Checking(checks, now_s=now_s) if checks is not None else None
        self.mirror = LiveMirror(
            decoder,
            now_s,
            notices=self._notices,
            on_object=self._object_changed,
            on_settled=self._look_whether_synced,
            checking=self._checking,
        )
        self._discovery: Discovery | None = None
        self._on_offer = on_offer
        self.offered: Offered | None = None  # None before the first discovery
        self._error = ""
        self._wanted: set[GVK] = set()  # asked for by a pass, or found by a survey
        self._versions: dict[GVK, VersionStore] = {}
        self._policies: dict[GVK, VersionStore] = {}
        self._admission = Admission(self._policies, self.mirror.kinds, now_s)
        self._refused_syncs = RefusedSyncs(
            self._versions, self.mirror.kinds, self.resource, self.admission, self._notices.tell
        )
        self._tasks: dict[tuple[GVK, bool], list[asyncio.Task[None]]] = {}  # by kind, and whether of metadata alone
        self._synced = False
        self._group: asyncio.TaskGroup | None = None
        self._rediscover = asyncio.Event()
        self.surveys = MetadataScans(self, client, self._bounds, lists.pages)
        self.residents = ResidentsOf(self, client, self._bounds, lists.pages, decoder)
        self._relist: set[GVK] = set()

    async def run(self) -> None:
        """Follow the cluster until cancelled; what it does wrong is told by `age`, never raised."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._discover_for_ever(), name=f"discovery of {self._client.name}")
                group.create_task(self.surveys.run(), name=f"survey of {self._client.name}")
                group.create_task(self._refused_syncs.run(), name=f"refusals of {self._client.name}")
                if self._checking is not None:
                    group.create_task(self._checking.run(), name=f"health checks of {self._client.name}")
        finally:
            self._group = None
            self._tasks.clear()
            self._notices.close()
            self.surveys.close()

    @property
    def synced(self) -> bool:
        return self._synced

    @property
    def discovered(self) -> Discovery | None:
        return self._discovery

    def children(self, uid: Uid) -> Iterable[tuple[GVK, LiveObject]]:
        return self.mirror.children(uid)

    def unwatched(self) -> Collection[ApiResource] | None:
        """Return the kinds that are served and not watched; None where that is not known yet."""
        if self._discovery is None:
            return None
        watched = {gvk.group_kind for gvk, meta in self._tasks if not meta}
        return [one for gvk, one in self._discovery.resources.items() if gvk.group_kind not in watched]

    def is_tracked(self, manifest: Manifest) -> bool:
        return self._decoder.is_tracked(manifest)

    def owns(self, manifest: Manifest) -> bool:
        return self.mirror.owns(manifest)

    def holds_ours(self, resource: ApiResource) -> None:
        """Watch a kind from now on: a survey has found objects of applications in it, or what those own."""
        if isinstance(self.resource(resource.gvk), ApiResource):
            self._wanted.add(resource.gvk)
            self._follow(resource)

    def resource(self, gvk: GVK) -> ApiResource | Reading:
        if self._discovery is None:
            return Unreadable(self._error) if self._error else PENDING
        return self._discovery.resource(gvk)

    def readings(self, app: AppName, refs: Collection[ObjectRef]) -> dict[ResourceKey, Reading]:
        readings: dict[ResourceKey, Reading] = {}
        for key, gvk, reading in self.mirror.tracked(app):
            # A watch may go on while the group's server does not say any more what it serves.
            served = self.resource(gvk)
            readings[key] = served if isinstance(served, Unreadable) else reading
        for ref in refs:
            readings[ref.key] = self._reading(ref)
        self.mirror.asked(app, refs)
        return readings

    def written(self, answer: Accepted) -> None:
        """Note a write of ours at every version at which its kind is watched."""
        for gvk, kind in self.mirror.kinds.items():
            if gvk.group_kind == answer.key.group_kind:
                kind.written(answer)
        self._refused_syncs.written(answer.key.group_kind)

    def refused(self, app: AppName, sync: str, places: Collection[RefusedAt]) -> bool:
        if places and self._discovery is not None:
            self._follow_limiting_kinds(self._discovery)
        return self._refused_syncs.refused(app, sync, places)

    def _follow_limiting_kinds(self, discovery: Discovery) -> None:
        for resource in map(discovery.preferred.get, KINDS):
            if resource is not None and self._bounds.parts(resource) == EVERYWHERE:
                self._follow_versions(resource)

    @property
    def version(self) -> str:
        """The API server's version; "" before the first discovery."""
        return self._discovery.version if self._discovery else ""

    def age(self) -> WatchAge:
        self._look_whether_synced()  # a watch of versions that settles last tells nobody
        now_s = self._now_s()
        sinks = self._followed()
        problems: dict[GVK, str] = {}
        for sink in sinks:
            if sink.problem:
                problems[sink.gvk] = "; ".join(filter(None, (problems.get(sink.gvk), sink.problem)))
        taken = [sink for sink in sinks if sink.listed or not sink.problem]  # what we may not read has no age
        # What is known of policies by their versions alone stays known while nobody answers.
        full = [sink.problem for sink in sinks if isinstance(sink, ListWatchState)]
        return WatchAge(
            synced=self._synced,
            oldest_s=max(0.0, now_s - min((sink.heard_s for sink in taken or sinks), default=now_s)),
            failing=tuple(sorted((self.surveys.unanswered | problems).items())),
            error=self._error or (full[0] if full and all(full) else ""),
            settles_s=self._admission.settles_s(),
        )

    def silent(self, after_s: float) -> frozenset[GroupKind]:
        """Return the kinds of which nothing was heard for longer; those that fail are not among them."""
        old_s = self._now_s() - after_s
        return frozenset(s.gvk.group_kind for s in self._followed() if not s.problem and s.heard_s < old_s)

    def watches(self) -> tuple[WatchState, ...]:
        """Return every list-watch that is under way, sorted by kind and namespace."""
        return states_of(self._followed(), self._now_s())

    def _followed(self) -> list[ListWatchState | VersionStore]:
        parts: list[ListWatchState | VersionStore] = [
            part for gvk, meta in self._tasks if not meta for part in self.mirror.kinds[gvk].parts
        ]
        return [*parts, *(self._versions[gvk] for gvk, meta in self._tasks if meta)]

    def _look_whether_synced(self) -> None:
        if not self._synced and self._discovery is not None and all(sink.settled for sink in self._followed()):
            self._synced = self._notices.open = True
            self.surveys.ask()
            self.mirror.everybody()
            self._on_cluster()

    def admission(self, gvk: GVK) -> str:
        resource = self.resource(gvk)
        return self._admission.hash_of(gvk, resource if isinstance(resource, ApiResource) else None)

    def _reading(self, ref: ObjectRef) -> Reading:
        match self.resource(ref.gvk):
            case ApiResource() as resource if refusal := self._bounds.refusal(resource, ref.key):
                return Unreadable(refusal)
            case ApiResource() as resource if resource.verbs >= {"list", "watch"}:
                self._wanted.add(resource.gvk)  # though it is followed: perhaps only as what was preferred
                if resource.gvk not in self.mirror.kinds:
                    self._follow(resource)
                    if self._group is not None:
                        self.surveys.ask_later()  # its objects may own some by then
                return self.mirror.kinds[resource.gvk].reading(ref.key)
            case ApiResource():
                return Unreadable("the cluster lets this kind be neither listed nor watched")
            case reading:
                return reading

    async def _discover_for_ever(self) -> None:
        failures, tries = 0, 0
        while True:
            self._rediscover.clear()
            try:
                discovery = await discover(self._client)
            except Retryable as err:
                failures += 1
                self._error = str(err)
                log.warning("cluster.lost", cluster=self._client.name, error=str(err))
                if self._discovery is None and failures == 1:
                    self._on_cluster()  # what read as pending cannot be read
                await asyncio.sleep(backoff_s(failures, first_s=0.5, longest_s=LONGEST_RETRY_S))
                continue
            failures, returned = 0, bool(self._error)
            self._settle(discovery)
            if returned and self._synced:
                self._on_cluster()
            # A CRD says Established a moment before, and is gone a moment after, discovery does.
            tries = tries + 1 if self._lags(discovery) and not self._rediscover.is_set() else 0
            wait_s = LAG_S if 0 < tries <= LAG_TRIES else self._rediscover_s()
            try:
                async with asyncio.timeout(wait_s):
                    await self._rediscover.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(DEBOUNCE_S)

    def _rediscover_s(self) -> float:
        return REDISCOVER_S if CRD in self.mirror.kinds and not self.mirror.kinds[CRD].problem else BLIND_S

    def _settle(self, discovery: Discovery) -> None:
        """Take up a new discovery: watch what is to be watched, forget what is not served any more."""
        before, self._discovery, self._error = self._discovery, discovery, ""
        self._offer(discovery)
        for gvk, meta in list(self._tasks):
            if isinstance(discovery.resource(gvk), Unserved):
                self._stop(gvk, meta=meta)
                self._forget(gvk, meta=meta)
            elif gvk in self._relist and not meta:
                self._stop(gvk, meta=meta)  # begun anew below, with a list
        self._follow_all(discovery)
        for kind in (APISERVICE, *POLICIES):
            if (preferred := discovery.preferred.get(kind)) is not None:
                self._follow_versions(preferred)
        if self._refused_syncs.any:
            self._follow_limiting_kinds(discovery)
        if before is None or before.resources != discovery.resources or before.failed != discovery.failed:
            self._admission.changed()
            self._refused_syncs.changed()
            for gvk in self.mirror.kinds_asked_for():
                if before is None or before.resource(gvk) != discovery.resource(gvk):
                    self.mirror.kind_changed(gvk)
            self.surveys.ask()

    def _offer(self, discovery: Discovery) -> None:
        before, self.offered = self.offered, offered(discovery, self.offered)
        if before not in (None, self.offered):
            self._on_offer()

    def _to_follow(self, discovery: Discovery) -> Iterable[ApiResource]:
        resources = {discovery.resources[gvk] for gvk in self._wanted if gvk in discovery.resources}
        watched = {resource.gvk.group_kind for resource in resources}
        for kind in (*ALWAYS, *self._stored_kinds()):
            preferred = discovery.preferred.get(kind)
            if preferred is not None and kind not in watched:
                resources.add(preferred)
        return sorted(resources, key=lambda resource: resource.gvk)

    def _follow_all(self, discovery: Discovery) -> None:
        for resource in self._to_follow(discovery):
            self._follow(resource)
        for gvk in self._relist - {gvk for gvk, meta in self._tasks if not meta}:
            self.mirror.remove(gvk)  # another version of it is followed by now
        self._relist.clear()

    def _follow(self, resource: ApiResource) -> None:
        namespaces = self._bounds.parts(resource)
        if namespaces and resource.verbs >= {"list", "watch"}:
            kind = self.mirror.add(resource.gvk)
            self._watch(resource, {namespace: kind.part(namespace) for namespace in namespaces})

    def _follow_versions(self, resource: ApiResource) -> None:
        gvk = resource.gvk
        if not self._bounds.parts(resource):
            return
        if gvk not in self._versions:
            changed = self._rediscover.set if gvk.group_kind == APISERVICE else self._admission_changed
            if gvk.group_kind in KINDS:
                changed = partial(self._refused_syncs.changed, gvk)
            self._versions[gvk] = VersionStore(gvk, self._decoder, self._now_s, changed)
            if gvk.group_kind in POLICIES:
                self._policies[gvk] = self._versions[gvk]
        self._watch(resource, {"": self._versions[gvk]}, meta=True)

    def _admission_changed(self) -> None:
        self._admission.changed()
        self._refused_syncs.changed()
        self._look_whether_synced()

    def _watch(self, resource: ApiResource, sinks: Mapping[str, Sink], *, meta: bool = False) -> None:
        """Follow a kind in each namespace of `sinks`, "" for all at once."""
        if self._group is None or (resource.gvk, meta) in self._tasks:
            return
        self._tasks[resource.gvk, meta] = tasks = []
        for namespace, sink in sinks.items():
            watch = KindWatch(self._client, self._server, resource, sink, namespace, metadata_only=meta)
            name = f"watch of {resource.gvk} on {self._client.name}"
            tasks.append(self._group.create_task(watch.run(), name=name))

    def _stop(self, gvk: GVK, *, meta: bool) -> None:
        for task in self._tasks.pop((gvk, meta)):
            task.cancel()

    def _forget(self, gvk: GVK, *, meta: bool) -> None:
        if not meta:
            self.mirror.remove(gvk)
            return
        del self._versions[gvk]
        if self._policies.pop(gvk, None) is not None:
            self._admission.changed()

    def _object_changed(self, key: ResourceKey, old: LiveObject | None, new: LiveObject | None) -> None:
        if key.group_kind == NAMESPACE.group_kind:
            self._refused_syncs.changed()
        if key.kind != CRD.kind or key.group != CRD.group:
            return
        self._refused_syncs.changed()
        self._admission.changed()
        if CRD not in self.mirror.kinds or not self.mirror.kinds[CRD].listed:
            return
        if old is None or new is None or (old.generation, old.established) != (new.generation, new.established):
            served = self._discovery.resources.values() if self._discovery else ()
            self._relist |= {resource.gvk for resource in served if definition_key(resource) == key}
            self._rediscover.set()

    def _lags(self, discovery: Discovery) -> bool:
        served = {definition_key(resource) for resource in discovery.resources.values()}
        definitions = self.mirror.kinds[CRD].objects.values() if CRD in self.mirror.kinds else ()
        return any(live.established and live.key not in served for live in definitions)

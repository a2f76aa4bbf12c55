"""What a cluster serves, and what the mirror keeps of its objects."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.model.health import Health
from gitopsd.model.ids import ResourceVersion, TrackingId, Uid, ViewHash
from gitopsd.model.manifest import GVK, ResourceKey


@dataclass(frozen=True, slots=True)
class ApiResource:
    """One kind at one version, as discovery tells of it."""

    gvk: GVK
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    preferred: bool  # the group's preferred version


@dataclass(frozen=True, slots=True)
class Offered:
    """What a cluster offers, as templates ask for it."""

    version: str = ""  # of its API server
    apis: str = ""  # `group/version` and `group/version/kind`, sorted, with commas between


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What a tree shows of a Pod."""

    images: tuple[str, ...]  # of all its containers, sorted
    node: str  # "" before it is scheduled
    restarts: int  # of all its containers
    ready: int = 0  # of the containers that are to run all the time
    containers: int = 0  # those


Labels = tuple[tuple[str, str], ...]  # sorted


@dataclass(frozen=True, slots=True)
class Network:
    """What a tree shows of how traffic goes through an object."""

    labels: Labels = ()  # of a Pod: what it may be chosen by
    selects: Labels = ()  # of a Service: of the Pods that it sends to
    targets: tuple[ResourceKey, ...] = ()  # that it names, be they there or not
    addresses: tuple[tuple[str, str], ...] = ()  # of load balancers, each "ip" or "hostname", and the value
    urls: tuple[str, ...] = ()  # where it is reached from outside, and what its annotations link to


@dataclass(frozen=True, slots=True)
class NamespaceMetadata:
    """A label or annotation that an application keeps on its namespace, as it is live."""

    manager: str
    field: str  # "labels" | "annotations"
    name: str
    value: str | None  # None: it is gone


@dataclass(frozen=True, slots=True)
class LiveObject:
    """What a verdict needs of a live object (decision 3): its body is fetched when somebody opens it."""

    key: ResourceKey
    uid: Uid
    resource_version: ResourceVersion
    owners: tuple[Uid, ...]
    controlled: bool  # an owner reference has controller: true
    tracking: TrackingId | None  # of gitopsd.io/tracking-id, or else of Argo CD's annotation, or of the label
    by_argocd: bool  # the tracking id is Argo CD's annotation, or a label that we did not write
    argocd_wrote_s: float | None  # Unix time of the newest managedFields entry of argocd-controller
    takeover: bool  # a manager that the first apply takes over has an entry (D6)
    view: ViewHash | None  # of our Apply entry's owned view; None: we have no such entry
    deleting: bool  # metadata.deletionTimestamp is set
    established: bool  # CRD: condition Established; Namespace: phase Active; all else: True
    health: Health | None  # None: this kind has no health of its own
    created_s: float  # Unix time
    generation: int = 0
    guarded: bool = False  # our finalizer is on it: a hook whose end nobody has seen
    marks: tuple[tuple[str, str], ...] = ()  # the annotations that core.target.sync_options heeds, sorted (`marks_of`)
    installation: str = ""  # of another gitopsd whose object it says it is; `tracking` is None then
    kept: tuple[NamespaceMetadata, ...] = ()  # of a Namespace alone
    pod: PodFacts | None = None  # of a Pod alone
    network: Network | None = None  # None: no traffic goes through it
    claims: tuple[str, ...] = ()  # of a StatefulSet: what the names of its PersistentVolumeClaims begin with
    finalizers: tuple[str, ...] = ()  # of one that is being deleted: what holds it


@dataclass(frozen=True, slots=True)
class WatchState:
    """One list-watch, as an operator looks at it."""

    gvk: GVK
    namespace: str  # "": all there are
    objects: int  # it holds
    age_s: float  # seconds since it said anything (bookmarks count)
    problem: str = ""  # why what it holds cannot be relied on; "" while it can
    error: str = ""  # the last one, whether or not it got over it
    error_age_s: float | None = None  # seconds since then


@dataclass(frozen=True, slots=True)
class WatchAge:
    """How fresh what the mirror says of a cluster is."""

    synced: bool  # the first full lists are in
    oldest_s: float  # seconds since the least recently heard of the watches that go on said anything (bookmarks count)
    failing: tuple[tuple[GVK, str], ...]  # kinds that cannot be read, and why
    error: str = ""  # why the cluster as a whole cannot be read; "" when it can
    settles_s: float | None = None  # until it surely answers by a change of its admission; None: it does

    @property
    def readable(self) -> bool:
        """Tell whether the first lists are in and the cluster answers."""
        return self.synced and not self.error


@dataclass(frozen=True, slots=True, order=True)
class RefusedAt:
    """Where a cluster refused a sync: an object's kind, and its namespace."""

    gvk: GVK
    namespace: str  # "": it is in none
    unanswered: bool  # by what may pass by itself, such as a webhook that is down

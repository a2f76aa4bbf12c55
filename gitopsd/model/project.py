"""What the applications of a project may read and write."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitopsd.model.application import NOWHERE, Destination, Mode, Origin
from gitopsd.model.ids import ProjectName
from gitopsd.model.manifest import GroupKind, Manifest


@dataclass(frozen=True, slots=True)
class SyncWindow:
    """When applications may, or may not, be synced; its schedule and zone can be read."""

    kind: str  # "allow" | "deny"
    schedule: str  # cron: when it opens
    duration_s: float
    zone: str = "UTC"
    applications: tuple[str, ...] = ()  # globs
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    all_of: bool = False  # andOperator: every list that is given has to match
    manual: bool = False  # manualSync: what a person asks for is allowed all the same
    overrun: bool = False  # syncOverrun: what has begun may finish
    description: str = ""


class Verify(enum.Enum):
    """Which commits must be signed."""

    NONE = "none"
    HEAD = "head"  # the one that is synced to, or its annotated tag
    STRICT = "strict"  # that one and all before it, back to those that seal what is before them


@dataclass(frozen=True, slots=True)
class IntegrityPolicy:
    """By whom the commits of some repositories must be signed."""

    repos: tuple[str, ...]  # globs of URLs; "!" denies
    verify: Verify
    keys: tuple[str, ...] = ()  # ids or fingerprints of GPG keys, upper case
    principals: tuple[str, ...] = ()  # of the allowed-signers file, for SSH signatures


@dataclass(frozen=True, slots=True)
class WritingAs:
    """In whose name is written to some destinations."""

    server: str  # globs
    namespace: str
    account: str  # a service account's `name`, of the destination's namespace, or `namespace:name`


@dataclass(frozen=True, slots=True)
class NamedKind:
    """Cluster-scoped objects of some kinds, all or those of some names: globs."""

    group: str
    kind: str
    name: str = ""  # "": any


@dataclass(frozen=True, slots=True)
class OrphanIgnored:
    """Some objects that are no orphans: globs, and of kind and name "" is any."""

    group: str
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Orphans:
    """How objects of an application's namespace are told of that are of no application."""

    warn: bool = True  # by a condition
    ignore: tuple[OrphanIgnored, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleToken:
    """A token that was given out for a role, as the manifest lists it; never the token itself."""

    issued_at_s: int  # Unix time
    expires_at_s: int = 0  # Unix time; 0: never
    id: str = ""


@dataclass(frozen=True, slots=True)
class ProjectRole:
    """What people of some groups, and bearers of its tokens, may do with the applications of the project."""

    name: str
    description: str = ""
    policies: tuple[str, ...] = ()  # lines of CSV about this role, in this project
    groups: tuple[str, ...] = ()  # of single sign-on; one with a comma is in quotes
    tokens: tuple[RoleToken, ...] = ()


@dataclass(frozen=True, slots=True)
class AppProject:
    """Globs throughout; an entry that starts with "!" denies."""

    name: ProjectName
    source_repos: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    cluster_allowed: tuple[NamedKind, ...] = ()  # clusterResourceWhitelist
    cluster_denied: tuple[NamedKind, ...] = ()
    namespace_allowed: tuple[GroupKind, ...] | None = None  # None: every kind
    namespace_denied: tuple[GroupKind, ...] = ()
    sync_windows: tuple[SyncWindow, ...] = ()
    integrity: tuple[IntegrityPolicy, ...] = ()  # the first one that fits a repository counts
    accounts: tuple[WritingAs, ...] = ()  # the first one that fits a destination counts; empty: gitopsd's own
    orphans: Orphans | None = None  # None: nobody looks for them
    source_namespaces: tuple[str, ...] = ()  # where applications may declare its applications, beside Argo CD's own
    declares_for: tuple[str, ...] = ()  # annotation: other projects whose applications its applications may declare
    declares_projects: bool = False  # annotation: its applications may declare projects
    mode: Mode = Mode.ENFORCE  # annotation gitopsd.io/mode
    roles: tuple[ProjectRole, ...] = ()
    only_own_clusters: bool = False  # permitOnlyProjectScopedClusters
    own_clusters: frozenset[str] = frozenset()  # names of those that say they are of this project
    labels: Mapping[str, str] = field(default_factory=dict)
    manifest: Manifest = field(default_factory=dict)
    origin: Origin = NOWHERE
    warnings: tuple[str, ...] = ()


ANY = NamedKind("*", "*")
EVERYWHERE = (Destination(server="*", namespace="*"), Destination(name="*", namespace="*"))
DECLARING = Destination(name="gitopsd", namespace="*")
DEFAULT = AppProject(
    ProjectName("default"),
    ("*",),
    (*EVERYWHERE, DECLARING),
    (ANY,),
    source_namespaces=("*",),
    declares_for=("*",),
    declares_projects=True,
)

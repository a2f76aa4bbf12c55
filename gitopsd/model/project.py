"""What the applications of a project may read and write."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class AppProject:
    """Globs throughout; an entry that starts with "!" denies."""

    name: ProjectName
    source_repos: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    cluster_allowed: tuple[GroupKind, ...] = ()  # clusterResourceWhitelist
    cluster_denied: tuple[GroupKind, ...] = ()
    namespace_allowed: tuple[GroupKind, ...] | None = None  # None: every kind
    namespace_denied: tuple[GroupKind, ...] = ()
    sync_windows: tuple[SyncWindow, ...] = ()
    mode: Mode = Mode.ENFORCE  # annotation gitopsd.io/mode
    labels: Mapping[str, str] = field(default_factory=dict)
    manifest: Manifest = field(default_factory=dict)
    origin: Origin = NOWHERE
    warnings: tuple[str, ...] = ()


ANY = GroupKind("*", "*")
EVERYWHERE = (Destination(server="*", namespace="*"), Destination(name="*", namespace="*"))
DEFAULT = AppProject(ProjectName("default"), ("*",), EVERYWHERE, (ANY,))

"""What the applications of a project may read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitopsd.model.application import NOWHERE, Destination, Mode, Origin
from gitopsd.model.ids import ProjectName
from gitopsd.model.manifest import GroupKind, Manifest


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
    mode: Mode = Mode.ENFORCE  # annotation gitopsd.io/mode
    labels: Mapping[str, str] = field(default_factory=dict)
    manifest: Manifest = field(default_factory=dict)
    origin: Origin = NOWHERE
    warnings: tuple[str, ...] = ()


ANY = GroupKind("*", "*")
EVERYWHERE = (Destination(server="*", namespace="*"), Destination(name="*", namespace="*"))
DEFAULT = AppProject(ProjectName("default"), ("*",), EVERYWHERE, (ANY,))

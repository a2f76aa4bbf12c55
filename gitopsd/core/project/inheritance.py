"""What a project has beside what it declares: of global projects, and of clusters and repositories that are its own.

Source: Argo CD, docs/user-guide/projects.md, "Configuring Global Projects", "Project scoped Repositories and Clusters".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitopsd.model.application import Destination
from gitopsd.model.ids import ProjectName
from gitopsd.model.project import AppProject


class LabelOperator(enum.StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """What one label of a project has to be, as `matchExpressions` of Kubernetes say it."""

    key: str
    operator: LabelOperator
    values: frozenset[str] = frozenset()

    def fits(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case LabelOperator.IN:
                return labels.get(self.key) in self.values
            case LabelOperator.NOT_IN:
                return labels.get(self.key) not in self.values
            case LabelOperator.EXISTS:
                return self.key in labels
            case LabelOperator.DOES_NOT_EXIST:
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class GlobalProject:
    """A project whose limits those projects have, too, whose labels fit all requirements."""

    name: ProjectName
    requirements: tuple[LabelRequirement, ...] = ()

    def has_heir(self, project: AppProject) -> bool:
        return project.name != self.name and all(entry.fits(project.labels) for entry in self.requirements)


@dataclass(frozen=True, slots=True)
class OwnCluster:
    """A cluster that says which project it is of."""

    name: str
    project: str
    namespaces: tuple[str, ...] = ()  # the only ones; none: all


@dataclass(frozen=True, slots=True)
class ProjectInheritance:
    """What of settings and Secrets adds to projects."""

    globals: Sequence[GlobalProject] = ()
    clusters: Sequence[OwnCluster] = ()
    repositories: Callable[[str], tuple[str, ...]] = lambda _: ()  # project → URLs of those that say they are of it

    def heirs(self, names: frozenset[str], projects: Iterator[AppProject]) -> frozenset[str]:
        """Return which of `projects` have other limits where those of the projects `names` change."""
        changing = [entry for entry in self.globals if entry.name in names]
        return frozenset(project.name for project in projects if any(entry.has_heir(project) for entry in changing))

    def effective(self, project: AppProject, get: Callable[[ProjectName], AppProject | None]) -> AppProject:
        """Return `project` with everything that it inherits; `get` gives projects as they are declared."""
        parents = [get(entry.name) for entry in self.globals if entry.has_heir(project)]
        clusters = [cluster for cluster in self.clusters if cluster.project == project.name]
        urls = self.repositories(project.name)
        if not any(parents) and not clusters and not urls:
            return project
        implied = tuple(
            Destination(name=cluster.name, namespace=namespace)
            for cluster in clusters
            for namespace in cluster.namespaces or ("*",)
        )
        own = replace(
            project,
            source_repos=(*project.source_repos, *urls),
            destinations=(*project.destinations, *implied),
            own_clusters=frozenset(cluster.name for cluster in clusters),
        )
        for parent in parents:
            own = _with(own, parent) if parent is not None else own
        return own


def _with(project: AppProject, parent: AppProject) -> AppProject:
    # A list of namespaced kinds limits, where there is none at all: an empty one of the parent's adds nothing.
    allowed = project.namespace_allowed
    if parent.namespace_allowed:
        allowed = (*(allowed or ()), *parent.namespace_allowed)
    return replace(
        project,
        source_repos=(*project.source_repos, *parent.source_repos),
        destinations=(*project.destinations, *parent.destinations),
        cluster_allowed=(*project.cluster_allowed, *parent.cluster_allowed),
        cluster_denied=(*project.cluster_denied, *parent.cluster_denied),
        namespace_allowed=allowed,
        namespace_denied=(*project.namespace_denied, *parent.namespace_denied),
        sync_windows=(*project.sync_windows, *parent.sync_windows),
        accounts=(*project.accounts, *parent.accounts),
    )

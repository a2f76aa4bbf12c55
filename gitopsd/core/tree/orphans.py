"""Which objects of a namespace are of no application (`orphanedResources` of a project)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from gitopsd.core.project.access import kind_permitted
from gitopsd.core.target.tracking import COPIES
from gitopsd.core.text.globs import matches
from gitopsd.core.text.lists import first_of
from gitopsd.core.tree.owners import Child
from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.project import AppProject, Orphans
from gitopsd.model.status import Condition

MAX_TOLD = 5  # objects named in the condition
# What every namespace has, and what controllers keep without an owner.
MADE = frozenset(
    {
        ("", "ServiceAccount", "default"),
        ("", "ConfigMap", "kube-root-ca.crt"),
        ("", "ConfigMap", "openshift-service-ca.crt"),
    }
)
API_SERVER = ResourceKey("", "Service", "default", "kubernetes")
CLAIM, STATEFUL = GroupKind("", "PersistentVolumeClaim"), GroupKind("apps", "StatefulSet")
NEVER = COPIES | {GroupKind("coordination.k8s.io", "Lease")}


def orphans(
    objects: Iterable[Child],
    project: AppProject,
    exists: Callable[[AppName], bool],
    is_wanted: Callable[[ResourceKey], bool],
) -> tuple[Child, ...]:
    """Return those of `objects` that belong to no application, sorted by key; none where nobody asked for them.

    Args:
        objects: of one namespace, those that name no owner.
        project: of the application that goes to the namespace.
        exists: tells whether there is an application.
        wanted: tells whether any application's target holds an object.

    Source: Argo CD, docs/user-guide/orphaned-resources.md; but what controllers keep without an owner is left out: the
    claims of a StatefulSet, a Service's endpoints, Leases.
    """
    settings = project.orphans
    if settings is None:
        return ()
    here = list(objects)
    stateful = frozenset(live.key.name for _, live in here if live.key.group_kind == STATEFUL)

    def is_orphan(live: LiveObject) -> bool:
        key = live.key
        is_systems = (key.group, key.kind, key.name) in MADE or key == API_SERVER or key.group_kind in NEVER
        if is_systems or live.deleting or _is_claim(key, stateful) or _ignored(settings, key):
            return False
        return kind_permitted(project, key.group_kind) and not _belongs(live, exists) and not is_wanted(key)

    return tuple(sorted((child for child in here if is_orphan(child[1])), key=lambda child: child[1].key))


def warning(project: AppProject, orphans: Sequence[Child], where: str) -> tuple[Condition, ...]:
    """Return the condition that tells of orphans, where the project wants one; `where` names their namespace."""
    if not orphans or project.orphans is None or not project.orphans.warn:
        return ()
    names = first_of([live.key for _, live in orphans], MAX_TOLD)
    remedy = "put them into Git, remove them, or add them to the project's spec.orphanedResources.ignore"
    count = f"{len(orphans)} objects of {where} are" if len(orphans) > 1 else f"1 object of {where} is"
    what = f"{count} of no application: {names}"
    return (Condition("OrphanedResourceWarning", what, remedy),)


def _belongs(live: LiveObject, exists: Callable[[AppName], bool]) -> bool:
    if live.installation:
        return True
    return live.tracking is not None and live.tracking.names(live.key) and exists(live.tracking.app)


def _is_claim(key: ResourceKey, stateful: frozenset[str]) -> bool:
    """Tell whether a claim is named as a StatefulSet's are: template, set and ordinal."""
    without_ordinal = re.sub(r"-[0-9]+$", "", key.name)
    ends = (without_ordinal[index + 1 :] for index, char in enumerate(without_ordinal) if char == "-")
    return key.group_kind == CLAIM and without_ordinal != key.name and any(end in stateful for end in ends)


def _ignored(settings: Orphans, key: ResourceKey) -> bool:
    return any(
        matches(ignored.group, key.group)
        and (not ignored.kind or matches(ignored.kind, key.kind))
        and (not ignored.name or matches(ignored.name, key.name))
        for ignored in settings.ignore
    )

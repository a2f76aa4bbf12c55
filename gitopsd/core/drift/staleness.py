"""What is known and too old to go by is not shown as if it were so: Synced and Healthy become Unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.comparison import Compared, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from gitopsd.model.status import AppStatus, Condition

STALE = "StaleWarning"  # a type of condition


@dataclass(frozen=True, slots=True)
class Stale:
    """What of an application's status is too old, in words."""

    epoch: tuple[str, ...] = ()  # repositories that were not confirmed
    watch: tuple[str, ...] = ()  # kinds that were not heard of

    def __bool__(self) -> bool:
        return bool(self.epoch or self.watch)


FRESH = Stale()


def aged(status: AppStatus, stale: Stale) -> AppStatus:
    """Return `status` as it is to be shown: Synced reads Unknown, and so does Healthy where watches are stale.

    What is worse stays: it was so when it was last known. An old epoch says nothing about health.
    """
    fresh = status.comparison
    resources = tuple(aged_resource(resource, stale) for resource in fresh.resources)
    sync, health = _sync(fresh.status), _health(fresh.health, stale)
    compared = replace(fresh, status=sync, health=health, resources=resources)
    conditions = (*status.conditions, *_conditions(stale))
    return replace(status, comparison=compared, conditions=conditions, stale=(*stale.epoch, *stale.watch))


def aged_nodes(nodes: Iterable[TreeNode], silent: Collection[GroupKind]) -> tuple[TreeNode, ...]:
    """Return nodes of a tree as they are to be shown; what is of a kind that was not heard of is not Healthy."""
    return tuple(
        replace(node, health=_unheard(node.health))
        if node.health is not None and node.gvk.group_kind in silent
        else node
        for node in nodes
    )


def aged_resource(compared: Compared, stale: Stale) -> Compared:
    """Return one verdict as it is to be shown."""
    if not stale:
        return compared
    health = _health(compared.health, stale) if compared.health is not None else None
    return replace(compared, status=_sync(compared.status), health=health)


def _sync(status: SyncStatus) -> SyncStatus:
    return SyncStatus.UNKNOWN if status is SyncStatus.SYNCED else status


def _health(health: Health, stale: Stale) -> Health:
    return _unheard(health) if stale.watch else health


def _unheard(health: Health) -> Health:
    if health.status is not HealthStatus.HEALTHY:
        return health
    return Health(HealthStatus.UNKNOWN, "it was Healthy when it was last heard of")


def _conditions(stale: Stale) -> tuple[Condition, ...]:
    return (
        *(Condition(STALE, text, "see what the repository's last fetch said") for text in stale.epoch),
        *(Condition(STALE, text, "see the cluster's page, and whether its API server answers") for text in stale.watch),
    )

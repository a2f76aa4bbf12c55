"""Health rules of custom resources: one table for each field of work, and how a kind is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gitopsd.core.health.kinds import (
    cloud,
    databases,
    gitops,
    network,
    observability,
    platform,
    security,
    storage,
    workloads,
)
from gitopsd.core.health.rules import HealthRules
from gitopsd.model.manifest import GroupKind

TABLES = (cloud, databases, gitops, network, observability, platform, security, storage, workloads)
GROUPS: Mapping[str, Mapping[str, HealthRules]] = {
    group: kinds for table in TABLES for group, kinds in table.TABLE.items()
}
ANY = "*"


@lru_cache(maxsize=4096)
def rules_of(kind: GroupKind) -> HealthRules | None:
    """Return the rules of `kind`, by its group or by the domain that the group is of; None: unknown."""
    for group in (kind.group, *_domains(kind.group)):
        if kinds := GROUPS.get(group):
            return kinds.get(kind.kind, kinds.get(ANY))
    return None


def _domains(group: str) -> tuple[str, ...]:
    """Return `*.b.c`, `*.c` of `a.b.c`."""
    labels = group.split(".")
    return tuple(f"{ANY}.{'.'.join(labels[start:])}" for start in range(1, len(labels)))

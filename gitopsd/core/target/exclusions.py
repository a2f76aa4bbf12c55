"""Kinds that the settings leave out: of some clusters, or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gitopsd.core.text.globs import matches
from gitopsd.model.manifest import GVK, GroupKind, Manifest, gvk_of
from gitopsd.model.status import Condition


@dataclass(frozen=True, slots=True)
class KindRule:
    """Some kinds of some clusters, by globs; what is left empty is any."""

    groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()  # names or URLs

    def names(self, kind: GroupKind, cluster: Iterable[str]) -> bool:
        """Tell whether the rule is about `kind` of the cluster that is called so."""
        return _any(self.groups, [kind.group]) and _any(self.kinds, [kind.kind]) and _any(self.clusters, list(cluster))


@dataclass(frozen=True, slots=True)
class Exclusions:
    exclusions: tuple[KindRule, ...] = ()
    inclusions: tuple[KindRule, ...] = ()  # none: everything that is not excluded

    def excludes(self, kind: GroupKind, cluster: Sequence[str]) -> bool:
        """Tell whether `kind` is left out in the cluster that is called so.

        Source: Argo CD, docs/operator-manual/declarative-setup.md, "Resource Exclusion/Inclusion".
        """
        included = not self.inclusions or any(rule.names(kind, cluster) for rule in self.inclusions)
        return not included or any(rule.names(kind, cluster) for rule in self.exclusions)


def included(
    manifests: Sequence[Manifest], excluded: Callable[[GroupKind], bool]
) -> tuple[Sequence[Manifest], tuple[Condition, ...]]:
    """Return the manifests of kinds that are not left out, and a condition for each kind that is."""
    remaining = [manifest for manifest in manifests if not excluded(gvk_of(manifest).group_kind)]
    counts: dict[GVK, int] = {}
    for manifest in manifests if len(remaining) < len(manifests) else ():
        if excluded(gvk_of(manifest).group_kind):
            counts[gvk_of(manifest)] = counts.get(gvk_of(manifest), 0) + 1
    return remaining, tuple(_told(gvk, counts[gvk]) for gvk in sorted(counts))


def _told(gvk: GVK, count: int) -> Condition:
    return Condition(
        "ExcludedResourceWarning",
        f"{gvk}: {count} object{'s are' if count > 1 else ' is'} left out: the settings exclude the kind",
        remedy="remove it in Git, or see resource.exclusions and resource.inclusions of the settings",
    )


def _any(patterns: Sequence[str], texts: Sequence[str]) -> bool:
    return not patterns or any(matches(pattern, text) for pattern in patterns for text in texts)

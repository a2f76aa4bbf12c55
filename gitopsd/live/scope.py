"""How much of a cluster is read: of some namespaces alone, and without the kinds that the settings leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GroupKind, ResourceKey

EVERYWHERE = ("",)


def _nothing(_kind: GroupKind) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WatchScope:
    """What of one cluster is listed and watched."""

    namespaces: tuple[str, ...] = ()  # these alone; none: all of them, and what is in none
    cluster_resources: bool = False  # beside `namespaces`: also what is in none
    excluded: Callable[[GroupKind], bool] = _nothing

    def parts(self, resource: ApiResource) -> tuple[str, ...]:
        """Return the namespaces in which a kind is listed, "" for all at once; none where it is not read at all."""
        if self.excluded(resource.gvk.group_kind):
            return ()
        if not self.namespaces:
            return EVERYWHERE
        if resource.namespaced:
            return self.namespaces
        return EVERYWHERE if self.cluster_resources else ()

    def refusal(self, resource: ApiResource, key: ResourceKey) -> str:
        """Return why an object of the kind is not read; "" where it is."""
        if self.excluded(resource.gvk.group_kind):
            return "the settings leave its kind out (resource.exclusions, resource.inclusions)"
        if not self.namespaces:
            return ""
        if not resource.namespaced:
            return "" if self.cluster_resources else "it is in no namespace, and the cluster's entry names some alone"
        return "" if key.namespace in self.namespaces else f"namespace {key.namespace} is not in the cluster's entry"

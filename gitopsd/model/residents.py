"""Objects in which others live, and what lives in them: a delete of the one takes the others along."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.model.cluster import LiveObject
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind, ResourceKey

NAMESPACE = GroupKind("", "Namespace")
DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
VOLUME = GroupKind("", "PersistentVolume")
HOLDERS = frozenset({NAMESPACE, DEFINITION, VOLUME})


def is_holder(key: ResourceKey) -> bool:
    """Tell whether others may live in an object: objects in a namespace, of a definition, a claim in a volume."""
    return key.group_kind in HOLDERS


@dataclass(frozen=True, slots=True)
class Resident:
    """One object that lives in another one."""

    live: LiveObject  # of its metadata alone
    below: bool = False  # it is owned by what goes with the application, or by the holder itself
    vouched: bool = False  # an owner that it names lives there too, and tells by itself whether it may go


@dataclass(frozen=True, slots=True)
class Residents:
    """What lives in an object and is not to go with it."""

    residing: tuple[ResourceKey, ...] = ()  # sorted; one of each kind at most
    unread: tuple[str, ...] = ()  # kinds of which some may live there, each with why that is not known
    wanting: frozenset[AppName] = frozenset()  # applications that want objects there
    defines: GroupKind | None = None  # of a definition: the kind that it defines, where that is known
    leaving: frozenset[AppName] = frozenset()  # being deleted, and some of their objects are still there

    @property
    def any(self) -> bool:
        return bool(self.residing or self.unread or self.wanting)

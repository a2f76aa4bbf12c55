"""CustomResourceDefinitions: accepted, established, served; and gone with all their objects."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.world import Key, World, condition, is_deleting, with_conditions
from gitopsd.sim.custom import kinds_of
from gitopsd.sim.deletes import finalize
from gitopsd.sim.incoming import Obj, RequestTarget
from gitopsd.sim.store import Event

_GROUP = "apiextensions.k8s.io"
_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_GOING = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
_POLL_S = 0.5


class Definitions:
    """Serves the kinds of the CRDs in the store, and no others."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind = world.kind("CustomResourceDefinition", _GROUP)

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        return [(event.new.name,)] if collection == self._kind.group_plural else []

    def reconcile(self, key: Key) -> float | None:
        (name,) = key
        definition = self._world.get(self._kind, "", name)
        if definition is None:
            return None
        if is_deleting(definition):
            return _POLL_S if self._empty(name, definition) else None
        self._accept(definition)
        kinds = self._world.writes.kinds
        spec = definition["spec"]
        kinds.drop(spec["group"], spec["names"]["plural"])
        for kind in kinds_of(definition):
            kinds.add(kind)
            self._world.writes.store.collection(kind.group_plural)
        return None

    def _accept(self, definition: Obj) -> None:
        names = definition["spec"]["names"]
        now = self._world.writes.now()
        stored = [one["name"] for one in definition["spec"]["versions"] if one["storage"]]
        before = definition["status"].get("storedVersions") or []
        accepted = definition["status"].get("acceptedNames") == names and set(stored) <= set(before)
        if accepted and condition(definition, "Established"):
            return
        conditions = with_conditions(
            definition,
            now,
            NamesAccepted=("True", "NoConflicts", "no conflicts found"),
            Established=("True", "InitialNamesAccepted", "the initial names have been accepted"),
        )
        versions = [*before, *(one for one in stored if one not in before)]
        status = {"conditions": conditions, "acceptedNames": names, "storedVersions": versions}
        self._world.set_status(self._kind, definition, status, "kube-apiserver")

    def _empty(self, name: str, definition: Obj) -> bool:
        """Delete a definition's objects, then let it go; tell whether finalizers still hold some of them."""
        spec = definition["spec"]
        key = (spec["group"], spec["names"]["plural"])
        writes = self._world.writes
        writes.kinds.end(*key)
        kind = next((one for one in writes.kinds.all() if one.group_plural == key), None)
        if kind is not None:
            collection = writes.store.collection(key)
            for stored in collection.objects():
                self._world.delete(kind, stored.namespace, stored.name)
            if collection.names():
                going = with_conditions(definition, writes.now(), Terminating=_GOING)
                self._world.set_status(self._kind, definition, {"conditions": going}, "kube-apiserver")
                return True
        writes.kinds.drop(*key)
        writes.store.drop(key)
        finalize(writes, RequestTarget(self._kind, name=name), _CLEANUP)
        return False

"""Namespaces: what every new one holds, and how a deleted one is emptied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from gitopsd.sim.controllers.world import Key, World, is_deleting, with_conditions
from gitopsd.sim.store import Event

_NAMESPACES = ("", "namespaces")
_POLL_S = 0.5


class Namespaces:
    """Gives a namespace its account and certificate; deletes all it holds, then itself."""

    def __init__(self, world: World, root_certificate: str) -> None:
        self._world = world
        self._kind = world.kind("Namespace")
        self._root_certificate = root_certificate
        self._going: set[str] = set()

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _NAMESPACES:
            return [(event.new.name,)]
        going = event.new.namespace in self._going
        return [(event.new.namespace,)] if going and event.change == "DELETED" else []

    def reconcile(self, key: Key) -> float | None:
        (name,) = key
        namespace = self._world.get(self._kind, "", name)
        if namespace is None:
            self._going.discard(name)
            return None
        if not is_deleting(namespace):
            self._furnish(name)
            return None
        self._going.add(name)
        remaining = self._empty(name)
        if remaining:
            self._tell(namespace, remaining)
            return _POLL_S
        bare = {k: v for k, v in namespace.items() if k not in ("apiVersion", "kind")}
        if namespace["metadata"].get("finalizers"):
            self._world.writes.store.put(_NAMESPACES, {**bare, "spec": {}})
        else:
            self._world.writes.store.remove(_NAMESPACES, bare)
        return None

    def _furnish(self, name: str) -> None:
        world = self._world
        accounts, maps = world.kind("ServiceAccount"), world.kind("ConfigMap")
        if world.get(accounts, name, "default") is None:
            world.create(accounts, name, {"metadata": {"name": "default"}})
        if world.get(maps, name, "kube-root-ca.crt") is None:
            certificate = {"ca.crt": self._root_certificate}
            world.create(maps, name, {"metadata": {"name": "kube-root-ca.crt"}, "data": certificate})

    def _empty(self, name: str) -> list[dict[str, Any]]:
        """Delete what a namespace holds; return what stays, held by finalizers."""
        remaining = []
        for kind in {kind.group_plural: kind for kind in self._world.writes.kinds.all() if kind.namespaced}.values():
            collection = self._world.writes.store.collection(kind.group_plural)
            for stored in collection.objects(name):
                self._world.delete(kind, name, stored.name)
                still = collection.get(name, stored.name)
                if still is not None:
                    remaining.append(still.parsed())
        return remaining

    def _tell(self, namespace: dict[str, Any], remaining: list[dict[str, Any]]) -> None:
        finalizers = Counter(one for obj in remaining for one in obj["metadata"].get("finalizers", ()))
        words = ", ".join(
            f"{finalizer} in {count} resource instances" for finalizer, count in sorted(finalizers.items())
        )
        conditions = with_conditions(
            namespace,
            self._world.writes.now(),
            NamespaceContentRemaining=("True", "SomeResourcesRemain", f"{len(remaining)} resources remain"),
            NamespaceFinalizersRemaining=(
                "True",
                "SomeFinalizersRemain",
                f"Some content in the namespace has finalizers remaining: {words}",
            ),
        )
        self._world.set_status(self._kind, namespace, {"conditions": conditions})

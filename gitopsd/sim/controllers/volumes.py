"""Claims: each is bound to a volume of its own after a moment."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.world import Key, World, is_deleting
from gitopsd.sim.deletes import finalize
from gitopsd.sim.incoming import RequestTarget
from gitopsd.sim.store import Event

BIND_S = 0.5
_PROTECTION = "kubernetes.io/pvc-protection"


class Claims:
    """Binds claims, and lets deleted ones go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind = world.kind("PersistentVolumeClaim")
        self._seen: set[str] = set()

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection != self._kind.group_plural:
            return []
        if event.change == "DELETED":
            self._seen.discard(event.new.uid)
            return []
        return [(event.new.namespace, event.new.name)]

    def reconcile(self, key: Key) -> float | None:
        claim = self._world.get(self._kind, *key)
        if claim is None:
            return None
        if is_deleting(claim):
            finalize(self._world.writes, RequestTarget(self._kind, key[0], key[1]), _PROTECTION)
            return None
        uid = claim["metadata"]["uid"]
        if claim["status"].get("phase") == "Bound" or uid in self._seen:
            if claim["status"].get("phase") != "Bound":
                spec = claim["spec"]
                self._world.patch(RequestTarget(self._kind, key[0], key[1]), {"spec": {"volumeName": f"pvc-{uid}"}})
                status = {"phase": "Bound", "accessModes": spec.get("accessModes")}
                capacity = spec["resources"].get("requests")
                self._world.set_status(self._kind, claim, {**status, "capacity": capacity})
            return None
        self._seen.add(uid)
        return BIND_S

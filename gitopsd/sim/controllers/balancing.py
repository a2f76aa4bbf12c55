"""Load balancers: Services that ask for one and Ingresses get an address after a moment."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.world import Key, World, is_deleting
from gitopsd.sim.store import Event

READY_S = 1.0
_ADDRESS = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}


class Balancing:
    """Gives every load balancer the loopback address."""

    def __init__(self, world: World) -> None:
        self._world = world
        kinds = (world.kind("Service"), world.kind("Ingress", "networking.k8s.io"))
        self._kinds = {kind.group_plural: kind for kind in kinds}
        self._seen: set[str] = set()

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection not in self._kinds:
            return []
        if event.change == "DELETED":
            self._seen.discard(event.new.uid)
            return []
        return [(*collection, event.new.namespace, event.new.name)]

    def reconcile(self, key: Key) -> float | None:
        group, plural, namespace, name = key
        kind = self._kinds[group, plural]
        balanced = self._world.get(kind, namespace, name)
        if balanced is None or is_deleting(balanced) or balanced["status"].get("loadBalancer", {}).get("ingress"):
            return None
        if kind.kind == "Service" and balanced["spec"]["type"] != "LoadBalancer":
            return None
        uid = balanced["metadata"]["uid"]
        if uid not in self._seen:
            self._seen.add(uid)
            return READY_S
        address = (
            _ADDRESS
            if kind.kind == "Ingress"
            else {"loadBalancer": {"ingress": [{"ip": "127.0.0.1", "ipMode": "VIP"}]}}
        )
        self._world.set_status(kind, balanced, address)
        return None

"""ReplicaSets: as many Pods as they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.world import Key, World, is_deleting, is_ready, new_pod
from gitopsd.sim.store import Event

_SETS, _PODS = ("apps", "replicasets"), ("", "pods")


def owner_key(event: Event, kind: str) -> list[Key]:
    """Return the key of the `kind` that controls the changed object; none where no such owner is named."""
    if b'"ownerReferences"' not in event.new.body:
        return []
    owners = event.new.parsed()["metadata"].get("ownerReferences", ())
    return [(event.new.namespace, one["name"]) for one in owners if one["kind"] == kind and one.get("controller")]


class ReplicaSets:
    """Creates and deletes Pods, and counts them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind, self._pods = world.kind("ReplicaSet", "apps"), world.kind("Pod")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _SETS:
            return [(event.new.namespace, event.new.name)]
        return owner_key(event, "ReplicaSet") if collection == _PODS else []

    def reconcile(self, key: Key) -> float | None:
        world, (namespace, name) = self._world, key
        replica_set = world.get(self._kind, namespace, name)
        if replica_set is None or is_deleting(replica_set):
            return None
        desired = replica_set["spec"]["replicas"]
        pods = [
            pod for pod in world.owned(self._pods, namespace, replica_set["metadata"]["uid"]) if not is_deleting(pod)
        ]
        for _ in range(desired - len(pods)):
            world.create(self._pods, namespace, new_pod(replica_set, replica_set["spec"]["template"]))
        for pod in sorted(pods, key=is_ready)[: max(0, len(pods) - desired)]:
            world.delete(self._pods, namespace, pod["metadata"]["name"])
        pods = [
            pod for pod in world.owned(self._pods, namespace, replica_set["metadata"]["uid"]) if not is_deleting(pod)
        ]
        ready = sum(map(is_ready, pods))
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods) or None,
            "readyReplicas": ready or None,
            "availableReplicas": ready or None,
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        world.set_status(self._kind, replica_set, status)
        return None

"""DaemonSets: one Pod on the one node."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.replicas import owner_key
from gitopsd.sim.controllers.world import Key, World, is_deleting, is_ready, new_pod, template_hash
from gitopsd.sim.store import Event

_SETS, _PODS = ("apps", "daemonsets"), ("", "pods")
_REVISION = "controller-revision-hash"


class Daemons:
    """Keeps one Pod of the current template."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind, self._pods = world.kind("DaemonSet", "apps"), world.kind("Pod")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _SETS:
            return [(event.new.namespace, event.new.name)]
        return owner_key(event, "DaemonSet") if collection == _PODS else []

    def reconcile(self, key: Key) -> float | None:
        world, (namespace, name) = self._world, key
        daemon_set = world.get(self._kind, namespace, name)
        if daemon_set is None or is_deleting(daemon_set):
            return None
        uid, revision = daemon_set["metadata"]["uid"], template_hash(daemon_set["spec"]["template"])
        for pod in world.owned(self._pods, namespace, uid):
            old = pod["metadata"].get("labels", {}).get(_REVISION) != revision
            if old and daemon_set["spec"]["updateStrategy"]["type"] == "RollingUpdate" and not is_deleting(pod):
                world.delete(self._pods, namespace, pod["metadata"]["name"])
        pods = [pod for pod in world.owned(self._pods, namespace, uid) if not is_deleting(pod)]
        if not pods:
            world.create(
                self._pods, namespace, new_pod(daemon_set, daemon_set["spec"]["template"], {_REVISION: revision})
            )
            pods = list(world.owned(self._pods, namespace, uid))
        current = [pod for pod in pods if pod["metadata"].get("labels", {}).get(_REVISION) == revision]
        ready = sum(map(is_ready, pods))
        status = {
            "observedGeneration": daemon_set["metadata"]["generation"],
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": 1,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready or None,
            "numberUnavailable": (1 - ready) or None,
            "updatedNumberScheduled": len(current) or None,
        }
        world.set_status(self._kind, daemon_set, status)
        return None

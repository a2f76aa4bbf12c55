"""StatefulSets: numbered Pods, one after the other, each with its claims."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.replicas import owner_key
from gitopsd.sim.controllers.world import Key, World, is_deleting, is_ready, new_pod, template_hash
from gitopsd.sim.incoming import Obj
from gitopsd.sim.store import Event

_SETS, _PODS = ("apps", "statefulsets"), ("", "pods")
_REVISION = "controller-revision-hash"


class StatefulSets:
    """Creates Pods in order, replaces outdated ones from the last to the first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind, self._pods = world.kind("StatefulSet", "apps"), world.kind("Pod")
        self._claims = world.kind("PersistentVolumeClaim")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _SETS:
            return [(event.new.namespace, event.new.name)]
        return owner_key(event, "StatefulSet") if collection == _PODS else []

    def reconcile(self, key: Key) -> float | None:
        world, (namespace, name) = self._world, key
        stateful_set = world.get(self._kind, namespace, name)
        if stateful_set is None or is_deleting(stateful_set):
            return None
        revision = f"{name}-{template_hash(stateful_set['spec']['template'])}"
        self._step(stateful_set, revision)
        self._tell(stateful_set, revision, self._living(stateful_set))
        return None

    def _living(self, stateful_set: Obj) -> dict[str, Obj]:
        meta = stateful_set["metadata"]
        pods = self._world.owned(self._pods, meta["namespace"], meta["uid"])
        return {pod["metadata"]["name"]: pod for pod in pods if not is_deleting(pod)}

    def _step(self, stateful_set: Obj, revision: str) -> None:
        """Create what is missing, delete what is too much, replace one outdated Pod."""
        meta, spec = stateful_set["metadata"], stateful_set["spec"]
        pods = self._living(stateful_set)
        names = [f"{meta['name']}-{number}" for number in range(spec["replicas"])]
        in_order = spec["podManagementPolicy"] == "OrderedReady"
        for surplus in pods.keys() - set(names):
            self._world.delete(self._pods, meta["namespace"], surplus)
        for name in names:
            if name not in pods:
                self._create(stateful_set, name, revision)
                if in_order:
                    return
            elif in_order and not is_ready(pods[name]) and _revision(pods[name]) == revision:
                return
        if spec["updateStrategy"]["type"] == "OnDelete":
            return
        for name in reversed(names):
            if name in pods and _revision(pods[name]) != revision:
                self._world.delete(self._pods, meta["namespace"], name)
                return

    def _create(self, stateful_set: Obj, name: str, revision: str) -> None:
        meta, spec = stateful_set["metadata"], stateful_set["spec"]
        labels = {"statefulset.kubernetes.io/pod-name": name, _REVISION: revision}
        pod = new_pod(stateful_set, spec["template"], labels, name)
        volumes = list(pod["spec"].get("volumes", ()))
        for claim in spec.get("volumeClaimTemplates", ()):
            claimed = f"{claim['metadata']['name']}-{name}"
            volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claimed}})
            if self._world.get(self._claims, meta["namespace"], claimed) is None:
                body = {"metadata": {**claim["metadata"], "name": claimed}, "spec": claim["spec"]}
                self._world.create(self._claims, meta["namespace"], body)
        pod["spec"] = {**pod["spec"], "hostname": name, **({"volumes": volumes} if volumes else {})}
        self._world.create(self._pods, meta["namespace"], pod)

    def _tell(self, stateful_set: Obj, revision: str, pods: dict[str, Obj]) -> None:
        current = [pod for pod in pods.values() if _revision(pod) == revision]
        ready = sum(map(is_ready, pods.values()))
        done = len(current) == len(pods) == ready == stateful_set["spec"]["replicas"]
        before = stateful_set["status"].get("currentRevision")
        status = {
            "observedGeneration": stateful_set["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": ready or None,
            "availableReplicas": ready,
            "updatedReplicas": len(current) or None,
            "currentReplicas": len(current) or None,
            "currentRevision": revision if done or before is None else before,
            "updateRevision": revision,
            "collisionCount": 0,
        }
        self._world.set_status(self._kind, stateful_set, status)


def _revision(pod: Obj) -> str:
    return str(pod["metadata"].get("labels", {}).get(_REVISION, ""))

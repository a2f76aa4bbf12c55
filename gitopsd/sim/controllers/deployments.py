"""Deployments: one ReplicaSet for each template, the newest scaled up before the others go."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.replicas import owner_key
from gitopsd.sim.controllers.world import Key, World, is_deleting, owner_reference, template_hash, with_conditions
from gitopsd.sim.incoming import Obj, RequestTarget
from gitopsd.sim.store import Event

_DEPLOYMENTS, _SETS = ("apps", "deployments"), ("apps", "replicasets")
_REVISION = "deployment.kubernetes.io/revision"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_POLL_S = 1.0


class Deployments:
    """Rolls templates out, and says how far they are."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind, self._sets = world.kind("Deployment", "apps"), world.kind("ReplicaSet", "apps")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        if collection == _DEPLOYMENTS:
            return [(event.new.namespace, event.new.name)]
        return owner_key(event, "Deployment") if collection == _SETS else []

    def reconcile(self, key: Key) -> float | None:
        world, (namespace, name) = self._world, key
        deployment = world.get(self._kind, namespace, name)
        if deployment is None or is_deleting(deployment):
            return None
        sets = [
            one for one in world.owned(self._sets, namespace, deployment["metadata"]["uid"]) if not is_deleting(one)
        ]
        digest = template_hash(deployment["spec"]["template"])
        new = next((one for one in sets if one["metadata"]["name"] == f"{name}-{digest}"), None)
        old = [one for one in sets if one is not new]
        if new is None and not deployment["spec"].get("paused"):
            self._create(deployment, digest, sets)
            return None  # the new set's own event goes on
        if new is not None:
            self._scale(deployment, new, old)
            revision = new["metadata"].get("annotations", {}).get(_REVISION, "1")
            if deployment["metadata"].get("annotations", {}).get(_REVISION) != revision:
                world.patch(
                    RequestTarget(self._kind, namespace, name, "status"),
                    {"metadata": {"annotations": {_REVISION: revision}}},
                )
                deployment = world.get(self._kind, namespace, name) or deployment
        return self._tell(deployment, new, old)

    def _create(self, deployment: Obj, digest: str, sets: list[Obj]) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        label = {"pod-template-hash": digest}
        template = spec["template"]
        labels = {**template["metadata"].get("labels", {}), **label}
        revisions = [int(one["metadata"].get("annotations", {}).get(_REVISION, 0)) for one in sets]
        # As the real controller: a Deployment's annotations go on its ReplicaSets, a tracking id among them.
        annotations = {k: v for k, v in meta.get("annotations", {}).items() if k not in (_LAST_APPLIED, _REVISION)}
        self._world.create(
            self._sets,
            meta["namespace"],
            {
                "metadata": {
                    "name": f"{meta['name']}-{digest}",
                    "labels": labels,
                    "annotations": {**annotations, _REVISION: f"{max(revisions, default=0) + 1}"},
                    "ownerReferences": [owner_reference(deployment)],
                },
                "spec": {
                    "replicas": 0 if sets and spec["strategy"]["type"] == "Recreate" else spec["replicas"],
                    "selector": {
                        **spec["selector"],
                        "matchLabels": {**spec["selector"].get("matchLabels", {}), **label},
                    },
                    "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
                },
            },
        )

    def _scale(self, deployment: Obj, new: Obj, old: list[Obj]) -> None:
        desired = deployment["spec"]["replicas"]
        recreate = deployment["spec"]["strategy"]["type"] == "Recreate"
        old_left = any(one["status"].get("replicas") for one in old)
        if new["spec"]["replicas"] != desired and not (recreate and old_left):
            self._resize(new, desired)
        if recreate or new["status"].get("availableReplicas", 0) >= desired:
            for one in old:
                if one["spec"]["replicas"]:
                    self._resize(one, 0)

    def _resize(self, one: Obj, replicas: int) -> None:
        meta = one["metadata"]
        self._world.patch(RequestTarget(self._sets, meta["namespace"], meta["name"]), {"spec": {"replicas": replicas}})

    def _tell(self, deployment: Obj, new: Obj | None, old: list[Obj]) -> float | None:
        desired = deployment["spec"]["replicas"]
        sets = [one for one in (new, *old) if one]
        total, ready, available = (
            sum(one["status"].get(name, 0) for one in sets)
            for name in ("replicas", "readyReplicas", "availableReplicas")
        )
        updated = new["status"].get("replicas", 0) if new else 0
        complete = updated == total == available == desired
        enough = available >= desired - max(desired // 4, 0)
        late = False
        if not complete and new is not None and not deployment["spec"].get("paused"):
            late = self._world.age_s(new) > deployment["spec"]["progressDeadlineSeconds"]
        progress = ("True", "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated", "")
        if late:
            message = f'ReplicaSet "{new["metadata"]["name"] if new else ""}" has timed out progressing.'
            progress = ("False", "ProgressDeadlineExceeded", message)
        words = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        if not enough:
            words = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        conditions = with_conditions(
            deployment,
            self._world.writes.now(),
            Available=("True" if enough else "False", *words),
            Progressing=progress,
        )
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": total or None,
            "updatedReplicas": updated or None,
            "readyReplicas": ready or None,
            "availableReplicas": available or None,
            "unavailableReplicas": max(0, desired - available) or None,
            "conditions": conditions,
        }
        self._world.set_status(self._kind, deployment, status)
        return None if complete or late else _POLL_S

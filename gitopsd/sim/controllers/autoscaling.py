"""Autoscalers: content with what they find; disruption budgets: never disturbed."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.sim.controllers.world import Key, World, is_deleting, with_conditions
from gitopsd.sim.store import Event


class Autoscaling:
    """Says of every HorizontalPodAutoscaler that it works and that nothing is to be done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kind = world.kind("HorizontalPodAutoscaler", "autoscaling")

    def keys(self, collection: tuple[str, str], event: Event) -> Iterable[Key]:
        mine = collection == self._kind.group_plural and event.change != "DELETED"
        return [(event.new.namespace, event.new.name)] if mine else []

    def reconcile(self, key: Key) -> float | None:
        autoscaler = self._world.get(self._kind, *key)
        if autoscaler is None or is_deleting(autoscaler):
            return None
        conditions = with_conditions(
            autoscaler,
            self._world.writes.now(),
            AbleToScale=("True", "ReadyForNewScale", "recommended size matches current size"),
            ScalingActive=("True", "ValidMetricFound", "the autoscaler could calculate a replica count"),
            ScalingLimited=("False", "DesiredWithinRange", "the desired count is within the acceptable range"),
        )
        least = autoscaler["spec"]["minReplicas"]
        status = {"conditions": conditions, "currentReplicas": least, "desiredReplicas": least}
        self._world.set_status(self._kind, autoscaler, status)
        return None

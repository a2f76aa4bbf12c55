"""Health of a StatefulSet: its rollout, with partitions and OnDelete."""

from __future__ import annotations

from gitopsd.core.health.words import healthy, progressing, unobserved
from gitopsd.core.objects.fields import number_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import Manifest


def statefulset_health(manifest: Manifest) -> Health:
    """Return the health of a StatefulSet.

    With OnDelete, pods are replaced by a person, so ready is enough. With a partition, the pods below it stay old on
    purpose, so that revisions are not compared.
    """
    if unobserved(manifest) or not number_at(manifest, "status", "observedGeneration"):
        return progressing("the latest spec has not been observed yet")
    desired = number_at(manifest, "spec", "replicas", default=1)
    ready = number_at(manifest, "status", "readyReplicas")
    if ready < desired:
        return progressing(f"{ready} of {desired} replicas are ready")
    if text_at(manifest, "spec", "updateStrategy", "type") == "OnDelete":
        return healthy()
    return _rollout(manifest, desired)


def _rollout(manifest: Manifest, desired: int) -> Health:
    updated = number_at(manifest, "status", "updatedReplicas")
    partition = number_at(manifest, "spec", "updateStrategy", "rollingUpdate", "partition")
    if updated < desired - partition:
        return progressing(f"{updated} of {desired - partition} replicas are updated")
    if partition:
        return healthy(f"{updated} replicas are updated, {partition} are held back by the partition")
    if text_at(manifest, "status", "updateRevision") != text_at(manifest, "status", "currentRevision"):
        return progressing("the rolling update is not complete")
    return healthy()

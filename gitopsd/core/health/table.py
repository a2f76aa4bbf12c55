"""Which function judges which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitopsd.core.fields import WrongShape, mapping_at, text_at
from gitopsd.core.health.daemonset import daemonset_health
from gitopsd.core.health.definition import definition_health
from gitopsd.core.health.deployment import deployment_health
from gitopsd.core.health.job import job_health
from gitopsd.core.health.namespace import namespace_health
from gitopsd.core.health.pod import pod_health
from gitopsd.core.health.replicaset import replicaset_health
from gitopsd.core.health.service import service_health
from gitopsd.core.health.statefulset import statefulset_health
from gitopsd.core.health.volume import claim_health
from gitopsd.core.health.words import progressing, unknown
from gitopsd.model.health import Health
from gitopsd.model.manifest import GroupKind, Manifest

CHECKS: Mapping[GroupKind, Callable[[Manifest], Health]] = {
    GroupKind("", "Namespace"): namespace_health,
    GroupKind("", "PersistentVolumeClaim"): claim_health,
    GroupKind("", "Pod"): pod_health,
    GroupKind("", "Service"): service_health,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): definition_health,
    GroupKind("apps", "DaemonSet"): daemonset_health,
    GroupKind("apps", "Deployment"): deployment_health,
    GroupKind("apps", "ReplicaSet"): replicaset_health,
    GroupKind("apps", "StatefulSet"): statefulset_health,
    GroupKind("batch", "Job"): job_health,
}

IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"


def health_of(manifest: Manifest) -> Health | None:
    """Return the health of a live object; None where its kind has none, or its annotation says not to ask.

    Never raises: an object whose fields have other types than its kind gives them is Unknown, with the path.

    Source: Argo CD, docs/operator-manual/health.md.
    """
    try:
        if text_at(manifest, "metadata", "deletionTimestamp"):
            return progressing("it is being deleted")
        if mapping_at(manifest, "metadata", "annotations").get(IGNORE_HEALTH) == "true":
            return None
        check = CHECKS.get(_group_kind(manifest))
        return None if check is None else check(manifest)
    except WrongShape as err:
        return unknown(str(err))


def _group_kind(manifest: Manifest) -> GroupKind:
    group, _, _ = text_at(manifest, "apiVersion").rpartition("/")
    return GroupKind(group, text_at(manifest, "kind"))

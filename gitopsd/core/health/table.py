"""Which function judges which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitopsd.core.health.apiservice import apiservice_health
from gitopsd.core.health.autoscaler import autoscaler_health
from gitopsd.core.health.budget import budget_health
from gitopsd.core.health.collector import collector_health
from gitopsd.core.health.conditions import custom_health
from gitopsd.core.health.cronjob import cronjob_health
from gitopsd.core.health.daemonset import daemonset_health
from gitopsd.core.health.definition import definition_health
from gitopsd.core.health.deployment import deployment_health
from gitopsd.core.health.ingress import ingress_health
from gitopsd.core.health.job import job_health
from gitopsd.core.health.kinds import rules_of
from gitopsd.core.health.namespace import namespace_health
from gitopsd.core.health.pod import pod_health
from gitopsd.core.health.replicaset import replicaset_health
from gitopsd.core.health.rules import judged
from gitopsd.core.health.service import service_health
from gitopsd.core.health.statefulset import statefulset_health
from gitopsd.core.health.volume import claim_health
from gitopsd.core.health.words import progressing, unknown
from gitopsd.core.health.workflow import workflow_health
from gitopsd.core.objects.fields import WrongShape, mapping_at, text_at
from gitopsd.model.health import Health
from gitopsd.model.manifest import GroupKind, Manifest

CHECKS: Mapping[GroupKind, Callable[[Manifest], Health]] = {
    GroupKind("", "Namespace"): namespace_health,
    GroupKind("", "PersistentVolumeClaim"): claim_health,
    GroupKind("", "Pod"): pod_health,
    GroupKind("", "Service"): service_health,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): definition_health,
    GroupKind("apiregistration.k8s.io", "APIService"): apiservice_health,
    GroupKind("apps", "DaemonSet"): daemonset_health,
    GroupKind("apps", "Deployment"): deployment_health,
    GroupKind("apps", "ReplicaSet"): replicaset_health,
    GroupKind("apps", "StatefulSet"): statefulset_health,
    GroupKind("argoproj.io", "Workflow"): workflow_health,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): autoscaler_health,
    GroupKind("batch", "CronJob"): cronjob_health,
    GroupKind("batch", "Job"): job_health,
    GroupKind("extensions", "Ingress"): ingress_health,
    GroupKind("networking.k8s.io", "Ingress"): ingress_health,
    GroupKind("opentelemetry.io", "OpenTelemetryCollector"): collector_health,
    GroupKind("policy", "PodDisruptionBudget"): budget_health,
}

# Kinds of these groups mean by their conditions what Kubernetes says of each, so that those without a check have no
# health; what is in no group of Kubernetes' own is a custom resource.
KUBERNETES = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)

MAX_MESSAGE = 1000  # characters
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"


def health_of(manifest: Manifest) -> Health | None:
    """Return the health of a live object; None where its kind has none, or its annotation says not to ask.

    Never raises: an object whose fields have other types than its kind gives them is Unknown, with the path. Words of
    a controller are cut where nobody would read on: they are kept of each object, and sent with each status.

    Source: Argo CD, docs/operator-manual/health.md.
    """
    try:
        health = _judged(manifest)
    except WrongShape as err:
        health = unknown(str(err))
    if health is None or len(health.message) <= MAX_MESSAGE:
        return health
    return Health(health.status, health.message[:MAX_MESSAGE] + " …")


def _judged(manifest: Manifest) -> Health | None:
    if _deleting(manifest):
        return progressing("it is being deleted")
    if _ignored(manifest):
        return None
    kind = _group_kind(manifest)
    if check := CHECKS.get(kind):
        return check(manifest)
    if kind.group in KUBERNETES:
        return None
    rules = rules_of(kind)
    return custom_health(manifest) if rules is None else judged(manifest, rules)


def is_asked(manifest: Manifest) -> bool:
    """Tell whether a check says how a live object does: not where it is being deleted, or annotated to be ignored."""
    try:
        return not _deleting(manifest) and not _ignored(manifest)
    except WrongShape:
        return False


def _deleting(manifest: Manifest) -> bool:
    return bool(text_at(manifest, "metadata", "deletionTimestamp"))


def _ignored(manifest: Manifest) -> bool:
    return mapping_at(manifest, "metadata", "annotations").get(IGNORE_HEALTH) == "true"


def _group_kind(manifest: Manifest) -> GroupKind:
    group, _, _ = text_at(manifest, "apiVersion").rpartition("/")
    return GroupKind(group, text_at(manifest, "kind"))

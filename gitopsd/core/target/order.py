"""In which order the tasks of a sync run: phase, wave, stage; prunes last, and the other way round."""

from __future__ import annotations

from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import SyncPhase, Task, TaskVerb

# Source: Argo CD, gitops-engine/pkg/sync/sync_tasks.go; but definitions come right after namespaces, so that they are
# established before any custom resource, and the policies and accounts that Pods need come before the Pods.
KINDS = (
    "Namespace",
    "CustomResourceDefinition",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
RANK = {kind: rank for rank, kind in enumerate(KINDS)}
LATER = len(KINDS)  # custom resources, and whatever else is not listed
FIRST = -(2**63)  # a wave before all others, and of prunes after all others
# What is deleted with an application goes in the Sync phase, between the hooks before and after it.
IN_ORDER = (
    SyncPhase.PRE_DELETE,
    SyncPhase.PRE_SYNC,
    SyncPhase.SYNC,
    SyncPhase.POST_SYNC,
    SyncPhase.SYNC_FAIL,
    SyncPhase.POST_DELETE,
)
PHASES = {phase: rank for rank, phase in enumerate(IN_ORDER)}

# Objects of one stage go at once: namespaces; definitions; what Pods need; the rest of Kubernetes; custom resources.
STAGE_STARTS = (RANK["CustomResourceDefinition"], RANK["NetworkPolicy"], RANK["Service"], LATER)
SUPPORT = 2  # the first stage that may use what the stages before it have made

Group = tuple[int, int, int, int]  # phase, applies before prunes, wave, stage


def kind_rank(key: ResourceKey) -> int:
    """Return the place of the kind of `key` in the order; a custom kind of a well-known name is not it."""
    builtin = "." not in key.group or key.group.endswith(".k8s.io")
    return RANK.get(key.kind, LATER) if builtin else LATER


def group_of(task: Task) -> Group:
    """Return what `task` runs together with; groups run one after the other, in this order."""
    stage = sum(task.rank >= start for start in STAGE_STARTS)
    if task.verb is TaskVerb.PRUNE:
        return PHASES[task.phase], 1, -task.wave, -stage
    return PHASES[task.phase], 0, task.wave, stage


def task_order(task: Task) -> tuple[Group, int, ResourceKey, str]:
    """Return the sort key of `task` among all of an operation (no ties)."""
    rank = -task.rank if task.verb is TaskVerb.PRUNE else task.rank
    return group_of(task), rank, task.key, task.verb.value

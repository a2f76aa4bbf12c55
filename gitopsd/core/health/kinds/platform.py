"""Operators, OpenShift, virtual machines, 3scale, and other workloads than Kubernetes' own."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRule,
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    fewer,
    given,
    healthy,
    no,
    progressing,
    said,
    same,
    suspended,
    true,
    unknown,
    value,
)
from gitopsd.model.health import HealthStatus

READY = by_condition("Ready")
OPERATOR = (degraded(said("Degraded")), progressing(said("Progressing")), healthy(said("Available")))

THREESCALE_BAD = tuple(degraded(said(kind)) for kind in ("Invalid", "Orphan", "Failed"))
THREESCALE = HealthRules(
    (
        *THREESCALE_BAD,
        suspended(said("Waiting")),
        healthy(said("Ready")),
        healthy(said("Synced")),
    )
)

# A plan that waits for a person, with a version installed, is how a manual approval looks between two upgrades.
MANUAL = (
    value("spec.installPlanApproval", "Manual"),
    said("InstallPlanPending", because=("RequiresApproval",)),
    given("status.installedCSV"),
)
SUBSCRIPTION = HealthRules(
    (
        *(degraded(said(kind)) for kind in ("CatalogSourcesUnhealthy", "InstallPlanFailed", "ResolutionFailed")),
        degraded(
            said("InstallPlanMissing"), no(said("InstallPlanMissing", because=("ReferencedInstallPlanNotFound",)))
        ),
        degraded(value("status.state", "UpgradeFailed")),
        healthy(value("status.state", "UpgradePending"), *MANUAL),
        progressing(said("InstallPlanPending")),
        healthy(value("status.state", "AtLatestKnown")),
    )
)

PAUSED_ROLLOUT = true("spec.updateStrategy.rollingUpdate.paused")


def _kruise(updated: str, total: str, available: str, *more: HealthRule) -> tuple[HealthRule, ...]:
    """A rollout of OpenKruise: who is updated, then who is available."""
    return (
        progressing(no(given("status.observedGeneration"))),
        *more,
        progressing(given(updated), fewer(updated, total)),
        progressing(no(given(available))),
        degraded(fewer(available, total)),
        healthy(),
    )


def _partition(where: str, updated: str, total: str) -> HealthRule:
    """A partition that holds the rollout back where it is."""
    return suspended(given(where), no(value(where, 0)), fewer(updated, total))


KRUISE_PARTITION = "spec.updateStrategy.rollingUpdate.partition"
CLONE_SET = HealthRules(
    _kruise(
        "status.updatedReplicas",
        "status.replicas",
        "status.updatedAvailableReplicas",
        _partition("spec.updateStrategy.partition", "status.updatedReplicas", "status.replicas"),
    ),
    (true("spec.updateStrategy.paused"),),
)
KRUISE_STATEFUL_SET = HealthRules(
    _kruise(
        "status.updatedReplicas",
        "status.replicas",
        "status.updatedAvailableReplicas",
        _partition(KRUISE_PARTITION, "status.updatedReplicas", "status.replicas"),
    ),
    (PAUSED_ROLLOUT,),
)
KRUISE_DAEMON_SET = HealthRules(
    _kruise(
        "status.updatedNumberScheduled",
        "status.desiredNumberScheduled",
        "status.numberAvailable",
        _partition(KRUISE_PARTITION, "status.updatedNumberScheduled", "status.desiredNumberScheduled"),
    ),
    (PAUSED_ROLLOUT,),
)

TABLE: Table = {
    "apps.3scale.net": {
        "APIManager": HealthRules(
            (
                progressing(given("status.deployments.starting")),
                progressing(given("status.deployments.stopped")),
                healthy(said("Available")),
                degraded(said("Available", "False")),
            )
        ),
    },
    "apps.gitlab.com": {"GitLab": by_value("status.phase", ("Running",), ("Failed",))},
    "apps.kruise.io": {
        "AdvancedCronJob": HealthRules(
            (progressing(given("status.active")), healthy(given("status.lastScheduleTime"))),
            (true("spec.paused"),),
        ),
        "BroadcastJob": by_value("status.phase", ("completed",), ("failed",), ("paused",)),
        "CloneSet": CLONE_SET,
        "DaemonSet": KRUISE_DAEMON_SET,
        "StatefulSet": KRUISE_STATEFUL_SET,
    },
    "apps.openshift.io": {
        "DeploymentConfig": HealthRules(
            (
                progressing(no(given("status.conditions"))),
                healthy(value("spec.replicas", 0)),
                degraded(said("Progressing", "False")),
                progressing(
                    said("Progressing", "True", "Unknown"),
                    no(said("Progressing", because=("NewReplicationControllerAvailable",))),
                ),
                healthy(said("Available")),
            ),
            (true("spec.paused"),),
        ),
    },
    "capabilities.3scale.net": {
        "Application": HealthRules(
            (*THREESCALE.rules, degraded(said("Ready", "False"))), (value("status.state", "suspended"),)
        ),
        "DeveloperUser": HealthRules(THREESCALE.rules, (value("status.developerUserState", "suspended"),)),
        "Tenant": by_condition("Ready", progressing(no(given("status.tenantId")))),
        "*": THREESCALE,
    },
    "config.openshift.io": {
        "ClusterOperator": HealthRules(OPERATOR),
        "ClusterVersion": HealthRules((degraded(said("Failing")), *OPERATOR)),
    },
    "game.kruise.io": {
        "GameServer": HealthRules(
            (
                progressing(no(same("status.currentState", "status.desiredState"))),
                degraded(said("KruisePodReady", "False", "Unknown", inside="status.podStatus.conditions")),
                healthy(value("status.currentState", "Ready")),
            ),
            otherwise=HealthStatus.UNKNOWN,
        ),
        "GameServerSet": HealthRules(
            (
                progressing(no(given("status.observedGeneration"))),
                suspended(PAUSED_ROLLOUT),
                _partition(KRUISE_PARTITION, "status.updatedReplicas", "status.replicas"),
                progressing(fewer("status.updatedReadyReplicas", "status.replicas")),
                healthy(),
            )
        ),
    },
    "kubevirt.io": {
        "VirtualMachine": HealthRules(
            (
                suspended(said("Paused")),
                healthy(said("Ready")),
                degraded(value("status.printableStatus", "CrashLoopBackOff", "ErrorUnschedulable", "ErrImagePull")),
                degraded(value("status.printableStatus", "ImagePullBackOff", "ErrorPvcNotFound", "DataVolumeError")),
                progressing(true("status.created")),
                suspended(said("Ready", "False")),
            )
        ),
        "VirtualMachineInstance": HealthRules(
            (
                degraded(value("status.phase", "Failed")),
                suspended(value("status.phase", "Succeeded")),
                unknown(value("status.phase", "Unknown")),
                suspended(said("Paused")),
                progressing(value("status.phase", "Pending", "Scheduling", "Scheduled")),
                degraded(said("Ready", "False")),
                healthy(said("Ready")),
            )
        ),
    },
    "machineconfiguration.openshift.io": {
        "MachineConfigPool": HealthRules(
            (degraded(said("Degraded")), progressing(said("Updating")), healthy(said("Updated"))),
            (true("spec.paused"),),
        ),
    },
    "operator.openshift.io": {
        "IngressController": HealthRules(
            (
                degraded(said("Degraded")),
                progressing(said("DeploymentReplicasAllAvailable", "False")),
                progressing(said("Progressing")),
                healthy(said("Available")),
            )
        ),
    },
    "operators.coreos.com": {
        "CatalogSource": by_value(
            "status.connectionState.lastObservedState", ("READY",), ("TRANSIENT_FAILURE", "SHUTDOWN")
        ),
        "ClusterServiceVersion": by_value("status.phase", ("Succeeded",), ("Failed",), unclear=("Unknown",)),
        "InstallPlan": by_value("status.phase", ("Complete",), ("Failed",), ("RequiresApproval",)),
        "Subscription": SUBSCRIPTION,
    },
    "rollouts.kruise.io": {
        "Rollout": HealthRules(
            (
                progressing(no(same("status.observedGeneration", "metadata.generation"))),
                degraded(value("status.phase", "Terminating", "Disabled")),
                suspended(value("status.canaryStatus.currentStepState", "StepPaused")),
                healthy(value("status.phase", "Healthy")),
            )
        ),
    },
    "spot.io": {
        "SpotDeployment": HealthRules(
            (
                degraded(said("InvalidSpec")),
                degraded(
                    said("Progressing", "False", "Unknown", because=("RolloutAborted", "ProgressDeadlineExceeded"))
                ),
                suspended(said("Paused")),
                progressing(value("status.phase", "Progressing")),
                healthy(said("Available")),
            )
        ),
    },
    "tower.ansible.com": {
        "AnsibleJob": by_value("status.ansibleJobResult.status", ("successful",), ("failed", "error", "canceled")),
    },
}

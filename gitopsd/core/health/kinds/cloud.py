"""What stands for something in a cloud, and the clusters and nodes that are made there."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    false,
    fewer,
    given,
    healthy,
    held_by,
    label,
    no,
    progressing,
    said,
    some,
    suspended,
    true,
    uneven,
    unknown,
    value,
)
from gitopsd.model.health import HealthStatus

READY = by_condition("Ready")
READY_MEANWHILE = HealthRules((healthy(said("Ready")),))

ACK = HealthRules(
    (
        degraded(said("ACK.Terminal")),
        progressing(said("Ready", "False", "Unknown")),
        progressing(said("ACK.ResourceSynced", "False", "Unknown")),
        healthy(said("Ready")),
        healthy(said("ACK.ResourceSynced")),
    )
)

AZURE = HealthRules(
    (degraded(said("Ready", "False", severity="Error")), healthy(said("Ready"))),
    otherwise=HealthStatus.PROGRESSING,
)

CONFIG_CONNECTOR = HealthRules(
    (
        degraded(said("Ready", "False", because=("UpdateFailed", "DependencyNotFound", "DependencyInvalid"))),
        degraded(said("Ready", "False", because=("ManagementConflict", "DeleteFailed"))),
        healthy(said("Ready")),
    )
)
CONFIG_CONNECTOR_ITSELF = HealthRules((degraded(false("status.healthy")), healthy(true("status.healthy"))))

CROSSPLANE = HealthRules(
    (
        suspended(said("Synced", "False", because=("ReconcilePaused",))),
        degraded(said("LastAsyncOperation", "False")),
        degraded(said("Synced", "False")),
        degraded(said("ValidPipeline", "False")),
        progressing(said("Ready", "False", "Unknown")),
        healthy(said("Ready")),
        healthy(said("Offered")),
        healthy(said("Established")),
        healthy(said("RevisionHealthy")),
        healthy(said("Healthy")),
        healthy(said("ValidPipeline")),
    )
)
NO_STATUS = HealthRules((), otherwise=HealthStatus.HEALTHY)  # settings, which nobody reports on
CROSSPLANE_KINDS = {
    "ClusterProviderConfig": NO_STATUS,
    "Composition": NO_STATUS,
    "CompositionRevision": CROSSPLANE,
    "ControllerConfig": NO_STATUS,
    "DeploymentRuntimeConfig": NO_STATUS,
    "ProviderConfig": NO_STATUS,
    "ProviderConfigUsage": NO_STATUS,
    "*": CROSSPLANE,
}
CROSSPLANE_PACKAGE = HealthRules(
    (
        progressing(said("Installed", "False", "Unknown", because=("UnpackingPackage",))),
        degraded(said("Installed", "False", "Unknown")),
        degraded(said("Healthy", "False", "Unknown")),
        healthy(said("Installed"), said("Healthy")),
    )
)

PAUSED = (true("spec.paused"),)
NOT_READY = (
    degraded(said("Ready", "False", severity="Error")),
    degraded(said("Ready", "False", severity="Warning")),
)
CAPI_CLUSTER = HealthRules(
    (
        degraded(value("status.phase", "Failed")),
        *NOT_READY,
        degraded(said("Available", "False"), value("status.phase", "Provisioned")),
        healthy(value("status.phase", "Provisioned")),
    ),
    PAUSED,
)
CAPI_MACHINES = held_by(by_value("status.phase", ("Running",), ("Failed", "Unknown")), *PAUSED)
EKS = HealthRules(
    (
        degraded(given("status.failureMessage")),
        progressing(said("EKSControlPlaneUpdating")),
        healthy(said("Ready")),
        degraded(some("status.conditions", value("status", "False"), value("severity", "Error"))),
    )
)

KARPENTER_CLAIM = HealthRules(
    (suspended(said("Disrupting")), degraded(said("Ready", "False")), healthy(said("Ready"))),
)

SHOOT = "shoot.gardener.cloud/status"
GARDENER_SHOOT = HealthRules(
    (
        healthy(label(SHOOT, "healthy")),
        degraded(label(SHOOT, "unhealthy")),
        unknown(label(SHOOT, "unknown")),
    )
)

SAP = HealthRules(
    (
        suspended(said("Suspended")),
        degraded(said("Failed")),
        degraded(said("Succeeded", "False")),
        progressing(said("Ready", "False")),
        healthy(said("Succeeded")),
        healthy(said("Ready")),
    )
)

TABLE: Table = {
    "*.azure.com": {"*": AZURE},
    "*.cnrm.cloud.google.com": {
        "ConfigConnector": CONFIG_CONNECTOR_ITSELF,
        "ConfigConnectorContext": CONFIG_CONNECTOR_ITSELF,
        "*": CONFIG_CONNECTOR,
    },
    "*.crossplane.io": CROSSPLANE_KINDS,
    "*.services.k8s.aws": {"*": ACK},
    "*.upbound.io": CROSSPLANE_KINDS,
    "addons.cluster.x-k8s.io": {"ClusterResourceSet": by_condition("ResourcesApplied")},
    "bootstrap.cluster.x-k8s.io": {"*": HealthRules((*NOT_READY, healthy(said("Ready"))), PAUSED)},
    "cluster.x-k8s.io": {
        "Cluster": CAPI_CLUSTER,
        "Machine": CAPI_MACHINES,
        "MachineDeployment": CAPI_MACHINES,
        "MachineHealthCheck": HealthRules(
            (
                progressing(no(given("status.expectedMachines"))),
                degraded(fewer("status.currentHealthy", "status.expectedMachines")),
                healthy(),
            )
        ),
        "MachinePool": CAPI_MACHINES,
        "MachineSet": HealthRules(
            (
                *NOT_READY,
                progressing(fewer("status.readyReplicas", "spec.replicas", 1)),
                healthy(given("status.readyReplicas")),
                healthy(value("spec.replicas", 0)),
            ),
            PAUSED,
        ),
    },
    "controlplane.cluster.x-k8s.io": {
        "AWSManagedControlPlane": EKS,
        "*": HealthRules((*NOT_READY, healthy(said("Ready")), healthy(said("Available"))), PAUSED),
    },
    "core.gardener.cloud": {"Shoot": GARDENER_SHOOT},
    "iammanager.keikoproj.io": {
        "Iamrole": by_value(
            "status.state",
            ("Ready",),
            ("Error", "RolesMaxLimitReached", "PolicyNotAllowed", "RoleNameNotAvailable"),
        ),
    },
    "infrastructure.cluster.x-k8s.io": {
        "*": HealthRules(
            (
                *NOT_READY,
                degraded(given("status.failureMessage")),
                healthy(said("Ready")),
                healthy(true("status.ready")),
            ),
            PAUSED,
        ),
    },
    "karpenter.azure.com": {"*": READY},
    "karpenter.k8s.aws": {"EC2NodeClass": READY},
    "karpenter.sh": {"NodeClaim": KARPENTER_CLAIM, "NodePool": READY},
    "networking.gke.io": {
        "ManagedCertificate": HealthRules(
            (
                degraded(some("status.domainStatus", value("status", "FailedNotVisible"))),
                degraded(value("status.certificateStatus", "ProvisioningFailedPermanently")),
                healthy(value("status.certificateStatus", "Active")),
            )
        ),
    },
    "pkg.crossplane.io": {
        "Configuration": CROSSPLANE_PACKAGE,
        "Function": CROSSPLANE_PACKAGE,
        "Provider": CROSSPLANE_PACKAGE,
        **CROSSPLANE_KINDS,
    },
    "pulumi.com": {
        "*": HealthRules((degraded(said("Stalled")), progressing(said("Reconciling")), healthy(said("Ready")))),
    },
    "services.cloud.sap.com": {"*": SAP},
    "stacks.crossplane.io": {
        "ClusterStackInstall": HealthRules((healthy(said("Ready", inside="status.conditionedStatus.conditions")),)),
    },
    "work.karmada.io": {
        "*": HealthRules(
            (
                progressing(no(given("status.aggregatedStatus"))),
                progressing(uneven("status.aggregatedStatus", "spec.clusters")),
                degraded(some("status.aggregatedStatus", value("health", "Unhealthy"))),
                degraded(some("status.aggregatedStatus", value("health", "Unknown"), no(true("applied")))),
                degraded(some("status.aggregatedStatus", false("applied"))),
                healthy(),
            )
        ),
    },
}

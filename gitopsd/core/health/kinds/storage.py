"""Volumes, snapshots, backups and what stores them."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    false,
    given,
    healthy,
    held_by,
    progressing,
    said,
    suspended,
    true,
    unknown,
    value,
)
from gitopsd.model.health import HealthStatus

ASTRA_RUN = by_value("status.state", ("Completed",), ("Failed", "Error", "Blocked"))
CEPH = by_value("status.phase", ("Ready",), ("Failure", "Failed"))
SNAPSHOT = HealthRules((degraded(given("status.error")), healthy(true("status.readyToUse"))))
VELERO_RUN = by_value(
    "status.phase",
    ("Completed",),
    ("Failed", "PartiallyFailed", "FailedValidation", "WaitingForPluginOperationsPartiallyFailed"),
)

TABLE: Table = {
    "astra.netapp.io": {
        "AppVault": by_value("status.state", ("available", "Available"), ("failed", "Failed")),
        "Application": by_condition("Ready"),
        "ExecHook": HealthRules((healthy(true("spec.enabled")),), (false("spec.enabled"),)),
        "Schedule": HealthRules((), (false("spec.enabled"),), otherwise=HealthStatus.HEALTHY),
        "*": ASTRA_RUN,
    },
    "cdi.kubevirt.io": {
        "DataVolume": HealthRules(
            (
                healthy(value("status.phase", "Succeeded")),
                degraded(value("status.phase", "Failed", "Unknown")),
                suspended(value("status.phase", "Paused")),
                degraded(said("Running", "False", because=("Error",))),
            )
        ),
    },
    "ceph.rook.io": {
        "CephCluster": HealthRules(
            (
                degraded(value("status.ceph.health", "HEALTH_ERR", "HEALTH_WARN")),
                degraded(value("status.state", "Error")),
                healthy(value("status.ceph.health", "HEALTH_OK"), value("status.state", "Created", "Connected")),
            )
        ),
        "*": CEPH,
    },
    "longhorn.io": {
        "BackupTarget": HealthRules((degraded(false("status.available")), healthy(true("status.available")))),
        "Engine": by_value("status.currentState", ("running",), ("error", "unknown"), ("stopped",)),
        "Node": by_condition("Ready"),
        "Replica": by_value("status.currentState", ("running",), ("error", "unknown"), ("stopped",)),
        "Volume": HealthRules(
            (
                degraded(value("status.robustness", "faulted", "degraded")),
                suspended(value("status.state", "detached")),
                healthy(value("status.state", "attached"), value("status.robustness", "healthy")),
            )
        ),
    },
    "objectbucket.io": {"*": by_value("status.phase", ("Bound",), ("Failed",))},
    "ocs.openshift.io": {
        "StorageCluster": HealthRules(
            (degraded(said("Degraded")), progressing(said("Progressing")), healthy(said("Available"))),
            otherwise=HealthStatus.UNKNOWN,
        ),
    },
    "snapshot.storage.k8s.io": {
        "VolumeSnapshot": SNAPSHOT,
        "VolumeSnapshotContent": SNAPSHOT,
        "VolumeSnapshotClass": HealthRules((), otherwise=HealthStatus.HEALTHY),
    },
    "trident.netapp.io": {
        "TridentBackendConfig": HealthRules(
            (
                degraded(value("status.lastOperationStatus", "Failed")),
                degraded(value("status.phase", "Lost")),
                unknown(value("status.phase", "Unknown")),
                healthy(value("status.phase", "Bound"), value("status.lastOperationStatus", "Success")),
            )
        ),
        "TridentOrchestrator": by_value("status.status", ("Installed",), ("Failed", "Error")),
    },
    "velero.io": {
        "Backup": VELERO_RUN,
        "BackupRepository": by_value("status.phase", ("Ready",), ("NotReady",)),
        "BackupStorageLocation": by_value("status.phase", ("Available",), ("Unavailable",)),
        "Restore": VELERO_RUN,
        "Schedule": held_by(by_value("status.phase", ("Enabled",), ("FailedValidation",)), true("spec.paused")),
    },
}

"""Argo's projects, Flux, Flagger, Keptn, Numaproj, and others that bring software to clusters."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRule,
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    false,
    fewer,
    given,
    healthy,
    label,
    no,
    progressing,
    said,
    same,
    some,
    suspended,
    true,
    unlike,
    value,
)
from gitopsd.model.health import HealthStatus

ARGO_PHASES = by_value("status.phase", ("Successful",), ("Failed", "Error"), unclear=("Inconclusive",))

WORKLOAD = ("metadata", "annotations", "rollout.argoproj.io/workload-generation")

# Until 1.0 the controller wrote no phase.
ROLLOUT = HealthRules(
    (
        progressing(given("spec.workloadRef"), no(same("status.workloadObservedGeneration", WORKLOAD))),
        suspended(value("status.phase", "Paused")),
        degraded(value("status.phase", "Degraded")),
        progressing(value("status.phase", "Progressing")),
        healthy(value("status.phase", "Healthy")),
        degraded(said("InvalidSpec")),
        degraded(said("Progressing", "False", "Unknown", because=("RolloutAborted", "ProgressDeadlineExceeded"))),
        suspended(given("status.pauseConditions")),
        suspended(true("spec.paused")),
        progressing(no(given("status.currentPodHash"))),
        progressing(fewer("status.updatedReplicas", "spec.replicas", 1)),
        progressing(fewer("status.availableReplicas", "status.updatedReplicas")),
        progressing(
            given("spec.strategy.blueGreen"), no(same("status.blueGreen.activeSelector", "status.currentPodHash"))
        ),
        progressing(given("status.stableRS"), no(same("status.stableRS", "status.currentPodHash"))),
        healthy(given("spec.strategy.blueGreen")),
        progressing(fewer("status.updatedReplicas", "status.replicas")),
        healthy(given("status.stableRS")),
        healthy(same("status.canary.stableRS", "status.currentPodHash")),
    )
)

FLUX_SUSPEND = true("spec.suspend")
FLUX = HealthRules(
    (
        degraded(said("Stalled")),
        degraded(said("Ready", "False"), said("Reconciling", because=("ProgressingWithRetry",))),
        progressing(said("Reconciling")),
        degraded(said("Ready", "False")),
        healthy(said("Ready")),
    ),
    (FLUX_SUSPEND,),
)
# A repository of OCI charts is only an address, to which the controller says nothing.
HELM_REPOSITORY = HealthRules((healthy(value("spec.type", "oci")), *FLUX.rules), (FLUX_SUSPEND,))

NUMA_FAILED = label("numaplane.numaproj.io/progressive-result-state", "failed")
NUMAFLOW = HealthRules(
    (
        degraded(value("status.phase", "Failed")),
        degraded(NUMA_FAILED),
        degraded(some("status.conditions", value("status", "False"))),
        suspended(value("status.phase", "Paused", "Pausing")),
        healthy(value("status.phase", "Running")),
    )
)


def _numaplane(child: str, *more: HealthRule) -> HealthRules:
    """A rollout of `child`, which an upgrade that failed leaves Degraded, though it goes on."""
    upgraded_badly = said("ProgressiveUpgradeSucceeded", "False")
    return HealthRules(
        (
            progressing(given("status.upgradeInProgress"), no(upgraded_badly)),
            progressing(value("status.phase", "Pending"), no(upgraded_badly)),
            progressing(said("ChildResourcesHealthy", "False", because=("Progressing",))),
            degraded(value("status.phase", "Failed")),
            degraded(upgraded_badly),
            degraded(said("ChildResourcesHealthy", "False")),
            suspended(said(f"{child}PausingOrPaused")),
            healthy(said("ChildResourcesHealthy")),
            *more,
        )
    )


PROMOTED = (degraded(said("Reconciled", "False")), degraded(said("Ready", "False")))
PROMOTER = HealthRules(
    (*PROMOTED, progressing(said("Ready", "Unknown")), healthy(said("Ready")), healthy(said("Reconciled")))
)
PROMOTER_GATE = HealthRules(
    (
        *PROMOTED,
        degraded(some("status.environments", value("phase", "failure"))),
        progressing(some("status.environments", no(value("phase", "success")))),
        healthy(said("Ready")),
    )
)
PROMOTER_TRANSFER = HealthRules(
    (
        *PROMOTED,
        progressing(no(given("status.active.dry.sha"))),
        progressing(no(given("status.proposed.dry.sha"))),
        progressing(no(same("status.active.dry.sha", "status.proposed.dry.sha"))),
        healthy(said("Ready")),
    )
)
PROMOTER_STRATEGY = HealthRules(
    (
        *PROMOTED,
        progressing(no(said("Ready"))),
        degraded(no(given("status.environments"))),
        progressing(some("status.environments", no(given("active.dry.sha")))),
        progressing(some("status.environments", no(given("proposed.dry.sha")))),
        progressing(some("status.environments", no(same("active.dry.sha", "proposed.dry.sha")))),
        progressing(unlike("status.environments", "active.dry.sha")),
        healthy(),
    )
)
KEPTN = by_value("status.status", ("Succeeded",), ("Failed",))

TABLE: Table = {
    "argoproj.io": {
        "AnalysisRun": ARGO_PHASES,
        "ApplicationSet": HealthRules(
            (
                degraded(said("ErrorOccurred")),
                degraded(said("ResourcesUpToDate", "False")),
                progressing(said("RolloutProgressing")),
                healthy(said("ResourcesUpToDate")),
            )
        ),
        "CronWorkflow": HealthRules(
            (degraded(said("SpecError")), degraded(said("SubmissionError"))),
            (true("spec.suspend"),),
            otherwise=HealthStatus.HEALTHY,
        ),
        "EventBus": by_condition("Deployed"),
        "EventSource": by_condition("Deployed", degraded(said("SourcesProvided", "False"))),
        "Experiment": ARGO_PHASES,
        "Rollout": ROLLOUT,
        "Sensor": by_condition("Deployed", degraded(said("TriggersProvided", "False"))),
    },
    "flagger.app": {
        "Canary": by_value("status.phase", ("Initialized", "Succeeded"), ("Failed",)),
    },
    "helm.toolkit.fluxcd.io": {"*": FLUX},
    "image.toolkit.fluxcd.io": {"*": FLUX},
    "kargo.akuity.io": {
        "Promotion": by_value("status.phase", ("Succeeded",), ("Failed", "Errored", "Aborted")),
        "Stage": HealthRules(
            (
                degraded(value("status.health.status", "Unhealthy")),
                degraded(said("Ready", "False", because=("Error",))),
            ),
        ),
        "Warehouse": HealthRules(
            (progressing(said("Reconciling")), degraded(said("Ready", "False")), healthy(said("Ready")))
        ),
    },
    "kustomize.toolkit.fluxcd.io": {"*": FLUX},
    "lifecycle.keptn.sh": {
        "KeptnAppVersion": KEPTN,
        "KeptnEvaluation": by_value("status.overallStatus", ("Succeeded",), ("Failed",)),
        "KeptnTask": KEPTN,
        "KeptnWorkloadInstance": KEPTN,
        "KeptnWorkloadVersion": KEPTN,
    },
    "metrics.keptn.sh": {
        "Analysis": HealthRules(
            (
                healthy(true("status.pass")),
                healthy(true("status.warning")),
                degraded(false("status.pass")),
            )
        ),
        "KeptnMetric": HealthRules((degraded(given("status.errMsg")), healthy(given("status.value")))),
    },
    "notification.toolkit.fluxcd.io": {
        "Alert": HealthRules(FLUX.rules, (FLUX_SUSPEND,), otherwise=HealthStatus.HEALTHY),  # v1beta3 has no status
        "Provider": HealthRules(FLUX.rules, (FLUX_SUSPEND,), otherwise=HealthStatus.HEALTHY),
        "Receiver": FLUX,
    },
    "numaflow.numaproj.io": {"*": NUMAFLOW},
    "numaplane.numaproj.io": {
        "ISBServiceRollout": _numaplane("ISBSvc"),
        "MonoVertexRollout": _numaplane("MonoVertex"),
        "NumaflowControllerRollout": _numaplane("NumaflowController"),
        "PipelineRollout": _numaplane("Pipeline"),
    },
    "promoter.argoproj.io": {
        "ArgoCDCommitStatus": HealthRules(
            (*PROMOTED, degraded(said("Ready"), no(given("status.applicationsSelected"))), healthy(said("Ready")))
        ),
        "ChangeTransferPolicy": PROMOTER_TRANSFER,
        "GitCommitStatus": PROMOTER_GATE,
        "PromotionStrategy": PROMOTER_STRATEGY,
        "TimedCommitStatus": PROMOTER_GATE,
        "WebRequestCommitStatus": PROMOTER_GATE,
        "*": PROMOTER,
    },
    "source.toolkit.fluxcd.io": {"HelmRepository": HELM_REPOSITORY, "*": FLUX},
}

"""Functions, jobs, pipelines and models: Knative, KEDA, Tekton, Spark, Flink, Ray, Kubeflow, Camel."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    fewer,
    given,
    healthy,
    held_by,
    no,
    progressing,
    said,
    some,
    suspended,
    true,
    value,
)

READY = by_condition("Ready")
KNATIVE = READY
KNATIVE_OPERATOR = HealthRules(
    (
        progressing(some("status.conditions", value("status", "Unknown"))),
        degraded(said("InstallSucceeded", "False")),
        degraded(said("DependenciesInstalled", "False")),
        progressing(said("Ready", "False")),
        progressing(some("status.conditions", value("status", "False"))),
        healthy(said("Ready")),
    )
)
KEDA = HealthRules(
    (
        degraded(said("Ready", "False")),
        degraded(said("Fallback")),
        suspended(said("Paused")),
        healthy(said("Ready")),
    )
)
KUBEFLOW_JOB = HealthRules(
    (
        degraded(said("Failed")),
        suspended(said("Suspended")),
        healthy(said("Succeeded")),
    ),
    (true("spec.runPolicy.suspend"),),
)
TEKTON_RUN = by_condition("Succeeded")

FLINK = HealthRules(
    (
        degraded(value("status.jobManagerDeploymentStatus", "ERROR")),
        degraded(value("status.jobStatus.state", "FAILED")),
        suspended(value("status.lifecycleState", "SUSPENDED")),
        degraded(value("status.lifecycleState", "FAILED")),
        progressing(value("status.jobManagerDeploymentStatus", "DEPLOYING", "DEPLOYED_NOT_READY")),
        progressing(value("status.lifecycleState", "CREATED", "UPGRADING", "ROLLING_BACK")),
        healthy(value("status.reconciliationStatus.state", "DEPLOYED")),
        healthy(true("status.reconciliationStatus.success")),
    )
)

INFERENCE = HealthRules(
    (
        suspended(said("Stopped")),
        degraded(
            given("status.modelStatus.transitionStatus"),
            no(value("status.modelStatus.transitionStatus", "UpToDate", "InProgress")),
        ),
        progressing(value("status.modelStatus.transitionStatus", "InProgress")),
        progressing(some("status.conditions", value("status", "False", "Unknown"), no(value("type", "Stopped")))),
        healthy(said("Ready")),
    )
)

SPARK = HealthRules(
    (
        degraded(value("status.applicationState.state", "FAILED", "SUBMISSION_FAILED", "FAILING")),
        healthy(value("status.applicationState.state", "COMPLETED")),
        suspended(value("status.applicationState.state", "SUSPENDED")),
        progressing(no(value("status.applicationState.state", "RUNNING"))),
        progressing(some("status.executorState", value("", "PENDING"))),
        healthy(some("status.executorState", value("", "RUNNING"))),
    ),
    (true("spec.suspend"),),
)

TABLE: Table = {
    "batch.volcano.sh": {
        "Job": by_value("status.state.phase", ("Completed",), ("Failed", "Aborted", "Terminated")),
    },
    "camel.apache.org": {
        "Integration": by_condition("Ready", degraded(value("status.phase", "Error"))),
        "IntegrationPlatform": by_value("status.phase", ("Ready",), ("Error",)),
        "Kamelet": by_value("status.phase", ("Ready",), ("Error",)),
        "Pipe": by_value("status.phase", ("Ready",), ("Error",)),
    },
    "core.spinkube.dev": {
        "SpinApp": HealthRules(
            (
                progressing(no(given("status"))),
                degraded(said("Progressing", "False", because=("ProgressDeadlineExceeded",))),
                degraded(no(said("Available"))),
                progressing(fewer("status.readyReplicas", "spec.replicas", 1)),
                progressing(said("Progressing")),
                healthy(),
            )
        ),
    },
    "eventing.knative.dev": {"*": KNATIVE},
    "flink.apache.org": {"FlinkDeployment": FLINK},
    "flows.knative.dev": {"*": KNATIVE},
    "keda.sh": {"ScaledJob": KEDA, "ScaledObject": KEDA},
    "kubeflow.org": {
        "MPIJob": KUBEFLOW_JOB,
        "MXJob": KUBEFLOW_JOB,
        "Notebook": HealthRules(
            (progressing(fewer("status.readyReplicas", 1)), healthy()),
            (given("metadata.annotations.kubeflow-resource-stopped"),),
        ),
        "PaddleJob": KUBEFLOW_JOB,
        "PyTorchJob": KUBEFLOW_JOB,
        "TFJob": KUBEFLOW_JOB,
        "XGBoostJob": KUBEFLOW_JOB,
    },
    "kueue.x-k8s.io": {
        "ClusterQueue": HealthRules((progressing(said("Active", "False")), healthy(said("Active")))),
        "LocalQueue": HealthRules((progressing(said("Active", "False")), healthy(said("Active")))),
    },
    "messaging.knative.dev": {"*": KNATIVE},
    "openfaas.com": {
        "Function": HealthRules(
            (
                degraded(said("Ready", "False")),
                degraded(said("Stalled")),
                suspended(said("Ready"), fewer("status.replicas", 1)),
                healthy(said("Ready")),
            )
        ),
    },
    "operator.knative.dev": {"*": KNATIVE_OPERATOR},
    "operator.tekton.dev": {"*": READY},
    "ray.io": {
        "RayCluster": by_value("status.state", ("ready",), ("failed", "unhealthy"), ("suspended",)),
        "RayJob": by_value("status.jobDeploymentStatus", ("Complete",), ("Failed", "ValidationFailed"), ("Suspended",)),
        "RayService": HealthRules(
            (
                progressing(said("UpgradeInProgress")),
                healthy(said("Ready")),
                progressing(said("Ready", "False", "Unknown")),
                healthy(value("status.serviceStatus", "Running")),
            )
        ),
    },
    "serving.knative.dev": {"*": KNATIVE},
    "serving.kserve.io": {"InferenceService": INFERENCE},
    "sources.knative.dev": {"*": KNATIVE},
    "sparkoperator.k8s.io": {
        "ScheduledSparkApplication": held_by(
            by_value("status.scheduleState", ("Scheduled",), ("FailedValidation",)), true("spec.suspend")
        ),
        "SparkApplication": SPARK,
    },
    "tekton.dev": {
        "CustomRun": TEKTON_RUN,
        "PipelineRun": TEKTON_RUN,
        "Run": TEKTON_RUN,
        "TaskRun": TEKTON_RUN,
    },
}

"""Metrics, logs, traces, dashboards and alerts."""

from __future__ import annotations

from gitopsd.core.health.truth import (
    Table,
    Truth,
    by_condition,
    by_value,
    degraded,
    false,
    given,
    healthy,
    progressing,
    said,
    some,
    suspended,
    true,
    value,
)
from gitopsd.model.health import HealthStatus

CORALOGIX = by_condition("RemoteSynced")
GRAFANA_SYNC = Truth(
    (
        degraded(said("NoMatchingInstance")),
        degraded(said("InvalidSpec")),
        degraded(said("NoMatchingFolder")),
        degraded(some("status.conditions", value("status", "False"))),
        suspended(said("SuspendReconciliation")),
        degraded(true("status.NoMatchingInstances")),
        healthy(some("status.conditions", value("status", "True"))),
    ),
    (true("spec.suspend"),),
)
GRAFANA_SOURCE = Truth((*GRAFANA_SYNC.rulings, healthy(given("status.uid"))), GRAFANA_SYNC.held)
PROMETHEUS = Truth(
    (
        progressing(said("Available", "False", "Degraded", because=("SomePodsNotReady",))),
        degraded(said("Available", "False", "Degraded")),
        degraded(said("Reconciled", "False")),
        healthy(said("Available")),
    ),
    (true("spec.paused"),),
)
VICTORIA = by_value("status.updateStatus", ("operational",), ("failed",), ("paused",))

TABLE: Table = {
    "coralogix.com": {"*": CORALOGIX},
    "datadoghq.com": {
        "DatadogMetric": Truth(
            (degraded(said("Error")), degraded(said("Valid", "False"))), otherwise=HealthStatus.HEALTHY
        ),
    },
    "grafana-org-operator.kubitus-project.gitlab.io": {"*": by_condition("Ready")},
    "grafana.integreatly.org": {
        "Grafana": Truth(
            (
                degraded(value("status.stageStatus", "failed")),
                healthy(value("status.stage", "complete"), value("status.stageStatus", "success")),
            ),
            (true("spec.suspend"),),
        ),
        "GrafanaDatasource": GRAFANA_SOURCE,
        "*": GRAFANA_SYNC,
    },
    "jaegertracing.io": {"Jaeger": by_value("status.phase", ("Running",), ("Failed",))},
    "kiali.io": {
        "Kiali": Truth((degraded(said("Failure")), healthy(said("Successful")))),
    },
    "logging.banzaicloud.io": {
        "*": Truth(
            (degraded(given("status.problems")), degraded(false("status.active"))),
            otherwise=HealthStatus.HEALTHY,
        ),
    },
    "loki.grafana.com": {
        "LokiStack": Truth((degraded(said("Failed")), degraded(said("Degraded")), healthy(said("Ready")))),
    },
    "monitoring.coreos.com": {
        "Alertmanager": PROMETHEUS,
        "Prometheus": PROMETHEUS,
        "PrometheusAgent": PROMETHEUS,
        "ThanosRuler": PROMETHEUS,
    },
    "opentelemetry.io": {
        "Instrumentation": Truth((), otherwise=HealthStatus.HEALTHY),
        "OpAMPBridge": Truth((healthy(given("status.version")),)),
        "TargetAllocator": Truth((healthy(given("status.version")),)),
    },
    "operator.victoriametrics.com": {"*": VICTORIA},
    "tempo.grafana.com": {
        "*": Truth((degraded(said("Failed")), degraded(said("ConfigurationError")), healthy(said("Ready")))),
    },
}

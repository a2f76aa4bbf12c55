"""Metrics, logs, traces, dashboards and alerts."""

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
    progressing,
    said,
    some,
    suspended,
    true,
    value,
)
from gitopsd.model.health import HealthStatus

CORALOGIX = by_condition("RemoteSynced")
GRAFANA_SYNC = HealthRules(
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
GRAFANA_SOURCE = HealthRules((*GRAFANA_SYNC.rules, healthy(given("status.uid"))), GRAFANA_SYNC.held)
PROMETHEUS = HealthRules(
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
        "DatadogMetric": HealthRules(
            (degraded(said("Error")), degraded(said("Valid", "False"))), otherwise=HealthStatus.HEALTHY
        ),
    },
    "grafana-org-operator.kubitus-project.gitlab.io": {"*": by_condition("Ready")},
    "grafana.integreatly.org": {
        "Grafana": HealthRules(
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
        "Kiali": HealthRules((degraded(said("Failure")), healthy(said("Successful")))),
    },
    "logging.banzaicloud.io": {
        "*": HealthRules(
            (degraded(given("status.problems")), degraded(false("status.active"))),
            otherwise=HealthStatus.HEALTHY,
        ),
    },
    "loki.grafana.com": {
        "LokiStack": HealthRules((degraded(said("Failed")), degraded(said("Degraded")), healthy(said("Ready")))),
    },
    "monitoring.coreos.com": {
        "Alertmanager": PROMETHEUS,
        "Prometheus": PROMETHEUS,
        "PrometheusAgent": PROMETHEUS,
        "ThanosRuler": PROMETHEUS,
    },
    "opentelemetry.io": {
        "Instrumentation": HealthRules((), otherwise=HealthStatus.HEALTHY),
        "OpAMPBridge": HealthRules((healthy(given("status.version")),)),
        "TargetAllocator": HealthRules((healthy(given("status.version")),)),
    },
    "operator.victoriametrics.com": {"*": VICTORIA},
    "tempo.grafana.com": {
        "*": HealthRules((degraded(said("Failed")), degraded(said("ConfigurationError")), healthy(said("Ready")))),
    },
}

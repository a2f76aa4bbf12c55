"""Health of custom resources by the tables: small statuses of our own, and what holds of every row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.health import health_of
from gitopsd.core.health.kinds import ANY, GROUPS, rules_of
from gitopsd.core.health.rules import HealthRules, judged
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from tests.core.health.lives import (
    DEGRADED,
    HEALTHY,
    JSON,
    PROGRESSING,
    SUSPENDED,
    UNKNOWN,
    conditions,
    live,
    status_of,
)

ROWS = [(group, kind, rules) for group, kinds in GROUPS.items() for kind, rules in kinds.items()]
NAMES = [f"{group}/{kind}" for group, kind, _ in ROWS]


def said(*told: str) -> dict[str, Any]:
    return {"conditions": conditions(*told)}


def parents(*told: str, observed: int = 3) -> dict[str, Any]:
    return {"conditions": [{**each, "observedGeneration": observed} for each in conditions(*told)]}


DRY = {"active": {"dry": {"sha": "a"}}, "proposed": {"dry": {"sha": "a"}}}
MOVED = {"active": {"dry": {"sha": "b"}}, "proposed": {"dry": {"sha": "b"}}}
HALF = {"active": {"dry": {"sha": "a"}}, "proposed": {"dry": {"sha": "b"}}}


@pytest.mark.parametrize(
    ("expected", "kind", "spec", "status"),
    [
        (PROGRESSING, "cert-manager.io/Certificate", {}, None),
        (PROGRESSING, "cert-manager.io/Certificate", {}, said("Ready=False:DoesNotExist", "Issuing=True")),
        (DEGRADED, "cert-manager.io/Certificate", {}, said("Ready=False:Pending")),
        (HEALTHY, "cert-manager.io/Certificate", {}, said("Ready=True:Ready")),
        (DEGRADED, "external-secrets.io/ClusterExternalSecret", {}, said("PartiallyReady=True", "Ready=True")),
        (SUSPENDED, "helm.toolkit.fluxcd.io/HelmRelease", {"suspend": True}, {"observedGeneration": 1}),
        (PROGRESSING, "helm.toolkit.fluxcd.io/HelmRelease", {}, said("Ready=Unknown", "Reconciling=True")),
        (DEGRADED, "source.toolkit.fluxcd.io/Bucket", {}, said("Ready=False", "Reconciling=True:ProgressingWithRetry")),
        (HEALTHY, "source.toolkit.fluxcd.io/HelmRepository", {"type": "oci"}, None),
        (SUSPENDED, "argoproj.io/Rollout", {}, {"phase": "Paused"}),
        (DEGRADED, "argoproj.io/Rollout", {}, {"phase": "Degraded", "message": "aborted"}),
        (
            PROGRESSING,
            "argoproj.io/Rollout",
            {"workloadRef": {"name": "x"}},
            {"phase": "Healthy", "workloadObservedGeneration": "1"},
        ),
        (UNKNOWN, "argoproj.io/AnalysisRun", {}, {"phase": "Inconclusive"}),
        (PROGRESSING, "argoproj.io/ApplicationSet", {}, said("ResourcesUpToDate=True", "RolloutProgressing=True")),
        (SUSPENDED, "numaflow.numaproj.io/Pipeline", {}, {"phase": "Paused"}),
        (DEGRADED, "numaflow.numaproj.io/Vertex", {}, {"phase": "Running", **said("PodsHealthy=False")}),
        (HEALTHY, "promoter.argoproj.io/PromotionStrategy", {}, {**said("Ready=True"), "environments": [DRY, DRY]}),
        (
            PROGRESSING,
            "promoter.argoproj.io/PromotionStrategy",
            {},
            {**said("Ready=True"), "environments": [DRY, MOVED]},
        ),
        (
            PROGRESSING,
            "promoter.argoproj.io/PromotionStrategy",
            {},
            {**said("Ready=True"), "environments": [DRY, HALF]},
        ),
        (HEALTHY, "s3.aws.upbound.io/Bucket", {}, said("Ready=True", "Synced=True")),
        (SUSPENDED, "s3.aws.crossplane.io/Bucket", {}, said("Ready=True", "Synced=False:ReconcilePaused")),
        (DEGRADED, "s3.aws.m.upbound.io/Bucket", {}, said("Ready=True", "Synced=False:ReconcileError")),
        (HEALTHY, "kubernetes.crossplane.io/ProviderConfig", {}, None),
        (DEGRADED, "s3.services.k8s.aws/Bucket", {}, said("ACK.Terminal=True", "ACK.ResourceSynced=True")),
        (DEGRADED, "sql.cnrm.cloud.google.com/SQLInstance", {}, said("Ready=False:UpdateFailed")),
        (PROGRESSING, "sql.cnrm.cloud.google.com/SQLInstance", {}, said("Ready=False:DependencyNotReady")),
        (PROGRESSING, "storage.azure.com/StorageAccount", {}, said("Ready=False:Reconciling")),
        (SUSPENDED, "cluster.x-k8s.io/Cluster", {"paused": True}, {"phase": "Provisioned"}),
        (PROGRESSING, "cluster.x-k8s.io/MachinePool", {}, {"phase": "Scaling"}),
        (DEGRADED, "cluster.x-k8s.io/MachineHealthCheck", {}, {"expectedMachines": 3, "currentHealthy": 2}),
        (SUSPENDED, "karpenter.sh/NodeClaim", {}, said("Ready=True", "Disrupting=True")),
        (
            PROGRESSING,
            "work.karmada.io/ResourceBinding",
            {"clusters": [{}, {}]},
            {"aggregatedStatus": [{"applied": True}]},
        ),
        (
            DEGRADED,
            "gateway.networking.k8s.io/HTTPRoute",
            {},
            {"parents": [parents("Accepted=True", "ResolvedRefs=False")]},
        ),
        (PROGRESSING, "gateway.networking.k8s.io/HTTPRoute", {}, {"parents": [parents("Accepted=False", observed=2)]}),
        (HEALTHY, "gateway.networking.k8s.io/HTTPRoute", {}, {"parents": [parents("Accepted=True")]}),
        (PROGRESSING, "gateway.networking.k8s.io/Gateway", {}, said("Accepted=True", "Programmed=False:Pending")),
        (PROGRESSING, "gloo.solo.io/Upstream", {}, {"statuses": {"a": {"state": 1}, "b": {"state": 0}}}),
        (DEGRADED, "gloo.solo.io/Upstream", {}, {"statuses": {"a": {"state": "Accepted"}, "b": {"state": "Rejected"}}}),
        (DEGRADED, "route.openshift.io/Route", {}, {"ingress": [said("Admitted=True"), said("Admitted=False")]}),
        (HEALTHY, "acid.zalan.do/postgresql", {}, {"PostgresClusterStatus": "Running"}),
        (DEGRADED, "acid.zalan.do/postgresql", {}, {"PostgresClusterStatus": "SyncFailed"}),
        (HEALTHY, "postgresql.cnpg.io/Cluster", {}, {"phase": "Cluster in healthy state"}),
        (PROGRESSING, "postgresql.cnpg.io/Cluster", {}, {"phase": "Creating a new replica"}),
        (
            SUSPENDED,
            "postgresql.cnpg.io/Cluster",
            {},
            {"phase": "Cluster in healthy state", **said("cnpg.io/hibernation=True")},
        ),
        (DEGRADED, "kafka.strimzi.io/KafkaTopic", {}, said("NotReady=True")),
        (SUSPENDED, "kafka.strimzi.io/Kafka", {}, said("Ready=True", "ReconciliationPaused=True")),
        (
            PROGRESSING,
            "elasticsearch.k8s.elastic.co/Elasticsearch",
            {"nodeSets": [{"count": 2}, {"count": 1}]},
            {"phase": "Ready", "health": "green", "availableNodes": 2},
        ),
        (
            HEALTHY,
            "elasticsearch.k8s.elastic.co/Elasticsearch",
            {"nodeSets": [{"count": 2}]},
            {"phase": "Ready", "health": "green", "availableNodes": 2},
        ),
        (SUSPENDED, "pxc.percona.com/PerconaXtraDBCluster", {}, {"state": "paused"}),
        (PROGRESSING, "solr.apache.org/SolrCloud", {}, {"solrNodes": [{"ready": True}, {"ready": False}]}),
        (PROGRESSING, "rabbitmq.com/RabbitmqCluster", {}, said("ClusterAvailable=True", "AllReplicasReady=False")),
        (SUSPENDED, "keda.sh/ScaledObject", {}, said("Ready=True", "Paused=True")),
        (DEGRADED, "keda.sh/ScaledObject", {}, said("Ready=True", "Fallback=True")),
        (DEGRADED, "tekton.dev/PipelineRun", {}, said("Succeeded=False:CouldntGetPipeline")),
        (PROGRESSING, "tekton.dev/PipelineRun", {}, said("Succeeded=Unknown:Running")),
        (PROGRESSING, "kubeflow.org/PyTorchJob", {}, said("Created=True", "Running=True")),
        (DEGRADED, "ray.io/RayJob", {}, {"jobDeploymentStatus": "Failed"}),
        (
            PROGRESSING,
            "sparkoperator.k8s.io/SparkApplication",
            {},
            {"applicationState": {"state": "RUNNING"}, "executorState": {"a": "PENDING"}},
        ),
        (
            HEALTHY,
            "sparkoperator.k8s.io/SparkApplication",
            {},
            {"applicationState": {"state": "RUNNING"}, "executorState": {"a": "RUNNING"}},
        ),
        (
            PROGRESSING,
            "flink.apache.org/FlinkDeployment",
            {},
            {"jobManagerDeploymentStatus": "DEPLOYING", "reconciliationStatus": {"state": "DEPLOYED"}},
        ),
        (SUSPENDED, "serving.kserve.io/InferenceService", {}, said("Ready=False", "Stopped=True")),
        (DEGRADED, "ceph.rook.io/CephCluster", {}, {"state": "Created", "ceph": {"health": "HEALTH_WARN"}}),
        (DEGRADED, "longhorn.io/Volume", {}, {"state": "attached", "robustness": "degraded"}),
        (DEGRADED, "velero.io/Backup", {}, {"phase": "PartiallyFailed"}),
        (DEGRADED, "snapshot.storage.k8s.io/VolumeSnapshot", {}, {"readyToUse": False, "error": {"message": "no"}}),
        (HEALTHY, "operators.coreos.com/Subscription", {}, {"state": "AtLatestKnown"}),
        (
            DEGRADED,
            "operators.coreos.com/Subscription",
            {},
            {"state": "AtLatestKnown", **said("ResolutionFailed=True")},
        ),
        (PROGRESSING, "config.openshift.io/ClusterOperator", {}, said("Available=True", "Progressing=True")),
        (SUSPENDED, "policy.open-cluster-management.io/Policy", {"disabled": True}, {"compliant": "Compliant"}),
        (
            DEGRADED,
            "templates.gatekeeper.sh/ConstraintTemplate",
            {},
            {"created": True, "byPod": [{"errors": [{"code": "x"}]}]},
        ),
        (DEGRADED, "monitoring.coreos.com/Prometheus", {}, said("Available=Degraded:NoPodReady")),
        (PROGRESSING, "monitoring.coreos.com/Prometheus", {}, said("Available=False:SomePodsNotReady")),
        (HEALTHY, "opentelemetry.io/OpenTelemetryCollector", {}, {"scale": {"statusReplicas": "10/10"}}),
        (PROGRESSING, "opentelemetry.io/OpenTelemetryCollector", {}, {"scale": {"statusReplicas": "1/2"}}),
        (DEGRADED, "opentelemetry.io/OpenTelemetryCollector", {}, {"scale": {"statusReplicas": "0/2"}}),
        (PROGRESSING, "opentelemetry.io/OpenTelemetryCollector", {"mode": "sidecar"}, None),
        (HEALTHY, "opentelemetry.io/OpenTelemetryCollector", {"mode": "sidecar"}, {"version": "1"}),
        (
            HEALTHY,
            "opentelemetry.io/OpenTelemetryCollector",
            {"mode": "daemonset"},
            {"scale": {"statusReplicas": "0/0"}},
        ),
    ],
)
def test_kind_does_as_its_status_says(expected: HealthStatus, kind: str, spec: Any, status: Any) -> None:
    generation = {} if isinstance(status, dict) and "observedGeneration" in status else {"generation": 3}

    assert expected == status_of(live(kind, spec, status, **generation))


@pytest.mark.parametrize(("group", "kind", "rules"), ROWS, ids=NAMES)
def test_status_that_is_not_there_or_old_is_never_green(group: str, kind: str, rules: HealthRules) -> None:
    new = live(f"{group}/{kind}", {}, None, generation=2)
    told = {"phase": "Running", "state": "Running", **said("Ready=True", "Available=True", "Synced=True")}

    old = judged({**new, "status": {**told, "observedGeneration": 1}}, rules)

    assert HealthStatus.HEALTHY is not old.status
    if rules.otherwise is not HealthStatus.HEALTHY:
        assert HealthStatus.HEALTHY is not judged(new, rules).status


@given(rules=st.sampled_from([rules for *_, rules in ROWS]), status=JSON, spec=JSON)
def test_no_shape_raises(rules: HealthRules, status: Any, spec: Any) -> None:
    assert judged(live("a/B", spec, status, generation=1), rules).status in HealthStatus


def test_row_of_a_kind_goes_before_that_of_its_group_and_its_group_before_its_domain() -> None:
    package = rules_of(GroupKind("pkg.crossplane.io", "Provider"))

    assert GROUPS["pkg.crossplane.io"]["Provider"] is package
    assert GROUPS["*.crossplane.io"][ANY] is rules_of(GroupKind("s3.aws.crossplane.io", "Bucket"))
    assert rules_of(GroupKind("crossplane.io.example", "Bucket")) is None
    assert rules_of(GroupKind("keda.sh", "TriggerAuthentication")) is None


def test_words_of_the_controller_are_told() -> None:
    failed = {"type": "Ready", "status": "False", "reason": "NotFound", "message": "no such issuer"}

    assert Health(DEGRADED, "no such issuer") == health_of(live("cert-manager.io/Issuer", {}, {"conditions": [failed]}))
    assert Health(DEGRADED, "phase is Failed: out of disk") == health_of(
        live("velero.io/Backup", {}, {"phase": "Failed", "message": "out of disk"})
    )


def test_custom_kind_that_no_table_has_is_judged_by_its_conditions() -> None:
    assert HEALTHY == status_of(live("keda.sh/TriggerAuthentication", {}, said("Ready=True")))

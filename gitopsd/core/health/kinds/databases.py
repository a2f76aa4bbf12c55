"""Databases, queues, streams, search and stores."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRules,
    Table,
    annotation,
    by_condition,
    by_value,
    degraded,
    false,
    fewer,
    fewer_than_all,
    given,
    healthy,
    no,
    progressing,
    said,
    same,
    some,
    suspended,
    true,
    unknown,
    value,
)
from gitopsd.model.health import HealthStatus

READY = by_condition("Ready")

CLICKHOUSE = by_value("status.status", ("Completed",), ("Aborted", "Failed", "Terminating"))
CONFLUENT = by_value("status.phase", ("RUNNING",), ("ERROR", "FAILED"))
HUMIO = by_value("status.state", ("Exists",), ("ConfigError", "NotFound"), unclear=("Unknown",))
MARIADB = HealthRules(
    (
        degraded(some("status.conditions", value("status", "False"), value("reason", "Failed"))),
        progressing(some("status.conditions", value("status", "False"))),
        healthy(said("Ready")),
        healthy(said("Complete")),
    ),
    (true("spec.suspend"),),
)
MARIADB_KINDS = {
    "Backup": MARIADB,
    "MariaDB": MARIADB,
    "MaxScale": MARIADB,
    "Restore": MARIADB,
    "SqlJob": HealthRules(
        (
            degraded(some("status.conditions", value("reason", "JobFailed"), value("status", "True"))),
            healthy(some("status.conditions", value("reason", "JobComplete"), value("status", "True"))),
        ),
        (true("spec.suspend"),),
    ),
    "*": READY,
}
MONGODB = by_value("status.phase", ("Running",), ("Failed",))
PERCONA = by_value("status.state", ("ready",), ("error",), ("paused",))
RABBITMQ = HealthRules(
    (
        degraded(said("Ready", "False", because=("FailedCreateOrUpdate",))),
        healthy(said("Ready")),
    )
)
STRIMZI = HealthRules(
    (
        progressing(said("NotReady", because=("Creating",))),
        degraded(said("NotReady")),
        degraded(said("Ready", "False")),
        suspended(said("ReconciliationPaused")),
        healthy(said("Ready")),
    )
)
ELASTIC = HealthRules(
    (
        degraded(value("status.phase", "Invalid")),
        degraded(value("status.health", "red")),
        progressing(value("status.phase", "ApplyingChanges", "MigratingData")),
        progressing(fewer_than_all("status.availableNodes", "spec.nodeSets", "count")),
        healthy(value("status.health", "green")),
        unknown(value("status.health", "unknown")),
    )
)

CNPG = HealthRules(
    (
        suspended(said("cnpg.io/hibernation")),
        degraded(said("cnpg.io/hibernation", "False")),
        healthy(value("status.phase", "Cluster in healthy state")),
        degraded(
            value(
                "status.phase",
                "Failing over",
                "Waiting for user action",
                "Cluster upgrade delayed",
                "Unable to create required cluster objects",
                "Cluster cannot execute instance online upgrade due to missing architecture binary",
                "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
                "Cluster has incomplete or invalid image catalog",
                "Cluster is unrecoverable and needs manual intervention",
            )
        ),
    ),
    (annotation("cnpg.io/reconciliationLoop", "disabled"),),
)

# What the operator of MinIO writes of a tenant; whatever else it writes names a step that it is at.
MINIO = by_value(
    "status.currentState",
    ("Initialized",),
    (
        "Statefulset not controlled by operator",
        "Another MinIO Tenant already exists in the namespace",
        "Tenant credentials are not set properly",
        "Different versions across MinIO Pools",
        "Pool Decommissioning Not Allowed",
    ),
)

# Every broker of a Koperator cluster has its configuration, and no scaling of it goes on.
KOPERATOR = HealthRules(
    (
        progressing(value("status.state", "ClusterRollingUpgrading", "ClusterReconciling")),
        progressing(no(given("status.brokersState"))),
        degraded(some("status.brokersState", no(value("configurationState", "ConfigInSync")))),
        progressing(
            some(
                "status.brokersState",
                no(
                    value(
                        "gracefulActionState.cruiseControlState",
                        "GracefulUpscaleSucceeded",
                        "GracefulDownscaleSucceeded",
                    )
                ),
            )
        ),
        healthy(
            value("status.state", "ClusterRunning"),
            value("status.cruiseControlTopicStatus", "CruiseControlTopicReady"),
        ),
        degraded(value("status.cruiseControlTopicStatus", "CruiseControlTopicNotReady")),
        degraded(no(given("status.cruiseControlTopicStatus"))),
    )
)

TABLE: Table = {
    "acid.zalan.do": {
        "postgresql": by_value(
            "status.PostgresClusterStatus",
            ("Running",),
            ("CreateFailed", "UpdateFailed", "SyncFailed", "DeleteFailed", "Invalid"),
        ),
    },
    "app.redislabs.com": {
        "RedisEnterpriseCluster": by_value("status.state", ("Running",), ("Error", "Invalid", "RecoveringFirstPod")),
        "RedisEnterpriseDatabase": by_value("status.status", ("active",), ("creation-failed", "import-failed")),
    },
    "beat.k8s.elastic.co": {"Beat": ELASTIC},
    "agent.k8s.elastic.co": {"Agent": ELASTIC},
    "apm.k8s.elastic.co": {"ApmServer": ELASTIC},
    "enterprisesearch.k8s.elastic.co": {"EnterpriseSearch": ELASTIC},
    "kibana.k8s.elastic.co": {"Kibana": ELASTIC},
    "logstash.k8s.elastic.co": {"Logstash": ELASTIC},
    "maps.k8s.elastic.co": {"ElasticMapsServer": ELASTIC},
    "elasticsearch.k8s.elastic.co": {"Elasticsearch": ELASTIC},
    "cassandra.datastax.com": {
        "CassandraDatacenter": HealthRules(
            (
                suspended(said("Stopped")),
                degraded(said("Valid", "False")),
                progressing(value("status.cassandraOperatorProgress", "Updating")),
                healthy(said("Ready")),
            )
        ),
    },
    "cassandra.rook.io": {
        "Cluster": HealthRules(
            (
                progressing(no(given("status.racks"))),
                progressing(some("status.racks", fewer("readyMembers", "members"))),
                healthy(),
            )
        ),
    },
    "clickhouse-keeper.altinity.com": {"ClickHouseKeeperInstallation": CLICKHOUSE},
    "clickhouse.altinity.com": {"ClickHouseInstallation": CLICKHOUSE},
    "core.humio.com": {
        "HumioCluster": by_value("status.state", ("Running",), ("ConfigError",), unclear=("Unknown",)),
        "*": HUMIO,
    },
    "core.strimzi.io": {"*": STRIMZI},
    "db.atlasgo.io": {
        "*": by_condition("Ready", progressing(said("Ready", "False", because=("Reconciling", "GettingDevDB")))),
    },
    "k8s.mariadb.com": MARIADB_KINDS,
    "kafka.banzaicloud.io": {"KafkaCluster": KOPERATOR},
    "kafka.strimzi.io": {"*": STRIMZI},
    "mariadb.mmontes.io": MARIADB_KINDS,
    "minio.min.io": {"Tenant": MINIO},
    "mongodb.com": {"*": MONGODB},
    "mongodbcommunity.mongodb.com": {"*": MONGODB},
    "pgv2.percona.com": {"PerconaPGCluster": PERCONA},
    "platform.confluent.io": {
        "Connector": HealthRules(
            (
                degraded(value("status.state", "ERROR")),
                degraded(value("status.connectorState", "FAILED")),
                degraded(given("status.failedTasksCount"), no(value("status.failedTasksCount", 0))),
                suspended(value("status.connectorState", "PAUSED")),
                healthy(value("status.state", "CREATED"), value("status.connectorState", "RUNNING")),
            )
        ),
        "KafkaTopic": by_value("status.state", ("CREATED",), ("ERROR", "FAILED")),
        "*": CONFLUENT,
    },
    "postgres-operator.crunchydata.com": {
        "PostgresCluster": HealthRules(
            (
                suspended(said("Progressing", "False", because=("Paused",))),
                degraded(said("PersistentVolumeResizeError")),
                progressing(some("status.instances", fewer("readyReplicas", "replicas"))),
                progressing(said("ProxyAvailable", "False")),
                progressing(said("PGBackRestRepoHostReady", "False")),
                healthy(given("status.instances")),
            ),
            (true("spec.shutdown"),),
        ),
    },
    "postgresql.cnpg.io": {
        "Backup": by_value("status.phase", ("completed",), ("failed", "walArchivingFailing")),
        "Cluster": CNPG,
        "Database": HealthRules((degraded(false("status.applied")), healthy(true("status.applied")))),
        "ScheduledBackup": HealthRules((), (true("spec.suspend"),), otherwise=HealthStatus.HEALTHY),
    },
    "ps.percona.com": {"PerconaServerMySQL": PERCONA},
    "psmdb.percona.com": {
        "PerconaServerMongoDB": PERCONA,
        "PerconaServerMongoDBBackup": by_value("status.state", ("ready",), ("error",)),
        "PerconaServerMongoDBRestore": by_value("status.state", ("ready",), ("error",)),
    },
    "pulsar.streamnative.io": {"*": READY},
    "pxc.percona.com": {
        "PerconaXtraDBCluster": PERCONA,
        "PerconaXtraDBClusterBackup": by_value("status.state", ("Succeeded",), ("Failed",)),
        "PerconaXtraDBClusterRestore": by_value("status.state", ("Succeeded",), ("Failed",)),
    },
    "rabbitmq.com": {
        "RabbitmqCluster": HealthRules(
            (
                degraded(said("ReconcileSuccess", "False")),
                healthy(said("ClusterAvailable"), said("AllReplicasReady")),
            )
        ),
        "*": RABBITMQ,
    },
    "redis.redis.opstreelabs.in": {"RedisCluster": by_value("status.state", ("Ready",), ("Failed",))},
    "solr.apache.org": {
        "SolrCloud": HealthRules(
            (
                progressing(no(given("status.solrNodes"))),
                progressing(some("status.solrNodes", no(true("ready")))),
                healthy(),
            )
        ),
    },
    "zookeeper.pravega.io": {
        "ZookeeperCluster": HealthRules(
            (healthy(given("status.readyReplicas"), same("status.readyReplicas", "status.replicas")),)
        ),
    },
}

"""Secrets, identities and policies."""

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
    no,
    progressing,
    said,
    same,
    some,
    true,
    value,
)
from gitopsd.model.health import HealthStatus

READY = by_condition("Ready")
KEYCLOAK = HealthRules((degraded(said("HasErrors")), healthy(said("Ready")), healthy(said("Done"))))
KYVERNO = HealthRules(
    (
        degraded(said("Ready", "False", because=("Failed",))),
        healthy(said("Ready")),
        degraded(false("status.ready")),
        healthy(true("status.ready")),
    )
)
OCM = by_value("status.compliant", ("Compliant",), ("NonCompliant", "UnknownCompliancy", "Terminating"))
OCM_OFF = (true("spec.disabled"),)
SCANNED = by_value("status.phase", ("DONE",), ("ERROR",))
VAULT = HealthRules(
    (
        degraded(said("Ready", "False")),
        degraded(said("Healthy", "False")),
        degraded(said("SecretSynced", "False")),
        healthy(said("Ready")),
        healthy(said("SecretSynced")),
        degraded(false("status.valid")),
        healthy(true("status.valid")),
        healthy(given("status.secretMAC")),
        healthy(given("status.secretLease.id")),
        healthy(given("status.serialNumber")),
    )
)

TABLE: Table = {
    "bitnami.com": {"SealedSecret": by_condition("Synced")},
    "compliance.openshift.io": {"ComplianceScan": SCANNED, "ComplianceSuite": SCANNED},
    "external-secrets.io": {
        "ClusterExternalSecret": by_condition("Ready", degraded(said("NotReady")), degraded(said("PartiallyReady"))),
        "*": READY,
    },
    "generators.external-secrets.io": {"*": HealthRules((), otherwise=HealthStatus.HEALTHY)},
    "k8s.keycloak.org": {"*": KEYCLOAK},
    "keycloak.org": {
        "*": HealthRules((degraded(value("status.phase", "failing")), healthy(true("status.ready")))),
    },
    "kubernetes-client.io": {
        # Whatever else it writes is `ERROR, ` and what went wrong.
        "ExternalSecret": HealthRules((healthy(value("status.status", "SUCCESS")), degraded(given("status.status")))),
    },
    "kyverno.io": {
        "ClusterPolicy": KYVERNO,
        "Policy": KYVERNO,
        "ClusterCleanupPolicy": KYVERNO,
        "CleanupPolicy": KYVERNO,
    },
    "onepassword.com": {"OnePasswordItem": READY},
    "policies.kubewarden.io": {
        "PolicyServer": HealthRules(
            (
                degraded(some("status.conditions", value("reason", "ReconciliationFailed"))),
                progressing(some("status.conditions", no(value("status", "True")))),
                healthy(given("status.conditions")),
            )
        ),
        "*": by_value("status.policyStatus", ("active",)),
    },
    "policy.open-cluster-management.io": {
        "ConfigurationPolicy": HealthRules(
            (
                progressing(
                    given("status.lastEvaluatedGeneration"),
                    no(same("status.lastEvaluatedGeneration", "metadata.generation")),
                ),
                *OCM.rules,
            ),
            OCM_OFF,
        ),
        "OperatorPolicy": by_condition("Compliant"),
        # One that is placed, and of which no cluster says anything, has no cluster to be placed on.
        "Policy": HealthRules(
            (
                *OCM.rules,
                healthy(given("status.placement"), no(given("status.compliant")), no(given("status.status"))),
            ),
            OCM_OFF,
        ),
        "*": HealthRules(OCM.rules, OCM_OFF),
    },
    "secrets-store.csi.x-k8s.io": {"SecretProviderClass": HealthRules((), otherwise=HealthStatus.HEALTHY)},
    "secrets.hashicorp.com": {"*": VAULT},
    "templates.gatekeeper.sh": {
        "ConstraintTemplate": HealthRules(
            (degraded(some("status.byPod", given("errors"))), healthy(true("status.created")))
        ),
    },
    "constraints.gatekeeper.sh": {
        "*": HealthRules(
            (
                degraded(some("status.byPod", given("errors"))),
                progressing(some("status.byPod", no(true("enforced")))),
                healthy(given("status.byPod")),
            )
        ),
    },
    "vault.banzaicloud.com": {
        "Vault": HealthRules((degraded(said("Error")), healthy(given("status.leader")))),
    },
}

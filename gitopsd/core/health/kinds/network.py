"""Gateways, routes, meshes, certificates and the network below them."""

from __future__ import annotations

from gitopsd.core.health.rules import (
    HealthRule,
    HealthRules,
    Table,
    by_condition,
    by_value,
    degraded,
    given,
    healthy,
    no,
    old,
    progressing,
    said,
    some,
    suspended,
    unknown,
    value,
)
from gitopsd.model.health import HealthStatus

READY = by_condition("Ready")


def _attached(where: str) -> tuple[HealthRule, ...]:
    """What the Gateway API says of every parent or ancestor that an object is attached to."""
    refused = ("Accepted", "ResolvedRefs")
    return (
        *(degraded(some(where, said(kind, "False", inside="conditions"))) for kind in refused),
        progressing(some(where, said("Programmed", "False", "Unknown", inside="conditions"))),
        progressing(some(where, said("Accepted", "Unknown", inside="conditions"))),
    )


ROUTE = HealthRules(
    (*_attached("status.parents"), healthy(some("status.parents", said("Accepted", inside="conditions"))))
)
POLICY = HealthRules(
    (
        progressing(some("status.ancestors", old("conditions"))),
        *_attached("status.ancestors"),
        progressing(some("status.ancestors", no(said("Accepted", inside="conditions")))),
        healthy(some("status.ancestors", said("Accepted", inside="conditions"))),
    )
)
GATEWAY = HealthRules(
    (
        degraded(said("ResolvedRefs", "False")),
        degraded(said("Accepted", "False")),
        progressing(said("Programmed", "False", "Unknown")),
        *_attached("status.listeners"),
        healthy(said("Programmed")),
        healthy(said("Accepted")),
    )
)

# Gloo writes its states by name, older releases by number, and one for each namespace that looks at the object.
GLOO_GOOD: tuple[str | int, ...] = ("Accepted", 1)
GLOO_BAD: tuple[str | int, ...] = ("Rejected", 2, "Warning", 3)
GLOO_NEW: tuple[str | int, ...] = ("Pending", 0)
GLOO = HealthRules(
    (
        degraded(some("status.statuses", value("state", *GLOO_BAD))),
        progressing(some("status.statuses", value("state", *GLOO_NEW))),
        healthy(some("status.statuses", value("state", *GLOO_GOOD))),
        degraded(value("status.state", *GLOO_BAD)),
        healthy(value("status.state", *GLOO_GOOD)),
    )
)

CONTOUR = HealthRules((degraded(said("Valid", "False")), healthy(said("Valid"))))
SETTINGS = HealthRules((), otherwise=HealthStatus.HEALTHY)  # nobody reports on them

ISTIO_OPERATOR = by_value("status.status", ("HEALTHY", 3), ("ERROR", 4, "ACTION_REQUIRED", 5), unclear=("NONE", 0))

AIRLOCK_SETTINGS = (
    "APIProtection",
    "CSRFProtection",
    "CustomResponse",
    "DenyRules",
    "EnvoyCluster",
    "EnvoyConfiguration",
    "EnvoyHTTPFilter",
    "GraphQL",
    "HeaderRewrites",
    "ICAP",
    "IdentityPropagation",
    "JWKS",
    "JWT",
    "Limits",
    "OIDCProvider",
    "OIDCRelyingParty",
    "OpenAPI",
    "Parser",
    "RateLimit",
    "RedisProvider",
    "SessionHandling",
    "Telemetry",
)

TABLE: Table = {
    "cert-manager.io": {
        "Certificate": by_condition("Ready", progressing(said("Issuing"))),
        "CertificateRequest": HealthRules(
            (
                degraded(said("Denied")),
                degraded(said("InvalidRequest")),
                degraded(said("Ready", "False", because=("Failed", "Denied"))),
                healthy(said("Ready")),
            )
        ),
        "*": READY,
    },
    "acme.cert-manager.io": {
        "*": by_value("status.state", ("valid", "ready"), ("invalid", "errored", "expired")),
    },
    "certmanager.k8s.io": {"*": READY},
    "cilium.io": {
        "CiliumNetworkPolicy": HealthRules(
            (degraded(said("Valid", "False")), healthy(said("Valid"))), otherwise=HealthStatus.HEALTHY
        ),
        "CiliumClusterwideNetworkPolicy": HealthRules(
            (degraded(said("Valid", "False")), healthy(said("Valid"))), otherwise=HealthStatus.HEALTHY
        ),
    },
    "gateway.networking.k8s.io": {
        "BackendTLSPolicy": POLICY,
        "Gateway": GATEWAY,
        "GatewayClass": HealthRules((degraded(said("Accepted", "False")), healthy(said("Accepted")))),
        "GRPCRoute": ROUTE,
        "HTTPRoute": ROUTE,
        "TCPRoute": ROUTE,
        "TLSRoute": ROUTE,
        "UDPRoute": ROUTE,
    },
    "gateway.envoyproxy.io": {
        "BackendTrafficPolicy": POLICY,
        "ClientTrafficPolicy": POLICY,
        "EnvoyExtensionPolicy": POLICY,
        "SecurityPolicy": POLICY,
    },
    "gateway.solo.io": {"*": GLOO},
    "gloo.solo.io": {"*": GLOO},
    "install.istio.io": {"IstioOperator": ISTIO_OPERATOR},
    "microgateway.airlock.com": {**dict.fromkeys(AIRLOCK_SETTINGS, SETTINGS), "*": POLICY},
    "nmstate.io": {
        "NodeNetworkConfigurationPolicy": HealthRules(
            (
                degraded(said("Degraded")),
                progressing(said("Progressing")),
                suspended(said("Ignored")),
                healthy(said("Available")),
            )
        ),
    },
    "proclaim.dogmatiq.io": {
        "DNSSDServiceInstance": HealthRules(
            (
                degraded(said("Adopted", "False")),
                degraded(
                    said("Advertised", "True", "False", "Unknown", because=("AdvertiseError", "UnadvertiseError"))
                ),
                unknown(said("Discoverable", "True", "False", "Unknown", because=("DiscoveryError",))),
                healthy(said("Discoverable")),
            )
        ),
    },
    "projectcontour.io": {"ExtensionService": CONTOUR, "HTTPProxy": CONTOUR},
    "route.openshift.io": {
        "Route": HealthRules(
            (
                progressing(no(given("status.ingress"))),
                degraded(some("status.ingress", said("Admitted", "False", inside="conditions"))),
                progressing(some("status.ingress", no(said("Admitted", inside="conditions")))),
                healthy(),
            )
        ),
    },
    "sailoperator.io": {
        "Istio": by_value("status.state", ("Healthy",), ("ReconcileError", "IstiodNotReady", "RemoteIstiodNotReady")),
    },
}

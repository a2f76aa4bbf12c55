"""A mixed set of objects in apply form, as people write them; the definitions they need come first."""

from __future__ import annotations

from typing import Any

from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK
from tests.kube.kit import ALL_VERBS

BOATS = "boats.example.com"


def definition() -> dict[str, Any]:
    """Return the CRD of a kind with keyed and atomic lists, a set, a map, defaults, and a part without schema."""
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "integer"},
            "unit": {"type": "string", "default": "m"},
        },
    }
    spec = {
        "type": "object",
        "properties": {
            "parts": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": part,
            },
            "flags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "steps": {"type": "array", "items": {"type": "string"}},
            "limits": {"type": "object", "additionalProperties": {"type": "string"}},
            "speed": {"type": "number"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": BOATS},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


LABELS = {"app": "web"}
CONTAINER = {
    "name": "web",
    "image": "web:1",
    "args": ["--one", "--two"],
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": ""}],
    "ports": [{"containerPort": 80}, {"containerPort": 443, "name": "tls"}],
    "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": 0.1}},
    "volumeMounts": [{"name": "conf", "mountPath": "/conf"}, {"name": "tmp", "mountPath": "/scratch"}],
    "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5},
}
POD = {
    "metadata": {"labels": LABELS, "annotations": {"example.com/note": "x"}},
    "spec": {
        "containers": [CONTAINER, {"name": "side", "image": "side:1"}],
        "volumes": [
            {"name": "conf", "configMap": {"name": "web", "items": [{"key": "a", "path": "a"}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "securityContext": {"runAsNonRoot": True},
    },
}
JOB = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "one", "image": "one:1"}]}}}
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {  # kind → plural, apiVersion, everything but metadata
    "ConfigMap": ("configmaps", "v1", {"data": {"a": "1", "b": "two\nlines\n"}, "binaryData": {"c": "AAEC"}}),
    "Secret": ("secrets", "v1", {"type": "Opaque", "data": {"password": "aHVudGVyMg==", "user": "bWU="}}),
    "Service": (
        "services",
        "v1",
        {
            "spec": {
                "selector": LABELS,
                "ports": [
                    {"name": "http", "port": 80, "targetPort": 8080},
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                ],
            }
        },
    ),
    "Deployment": (
        "deployments",
        "apps/v1",
        {"spec": {"selector": {"matchLabels": LABELS}, "minReadySeconds": 3, "template": POD}},
    ),
    "StatefulSet": (
        "statefulsets",
        "apps/v1",
        {
            "spec": {
                "selector": {"matchLabels": LABELS},
                "serviceName": "web",
                "replicas": 2,
                "template": POD,
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                    }
                ],
            }
        },
    ),
    "CronJob": (
        "cronjobs",
        "batch/v1",
        {"spec": {"schedule": "5 4 * * *", "suspend": True, "jobTemplate": {"spec": JOB}}},
    ),
    "Ingress": (
        "ingresses",
        "networking.k8s.io/v1",
        {
            "spec": {
                "tls": [{"hosts": ["a.example.com"], "secretName": "tls"}],
                "rules": [
                    {
                        "host": "a.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ],
            }
        },
    ),
    "HorizontalPodAutoscaler": (
        "horizontalpodautoscalers",
        "autoscaling/v2",
        {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2,
                "maxReplicas": 5,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                    }
                ],
            }
        },
    ),
    "NetworkPolicy": (
        "networkpolicies",
        "networking.k8s.io/v1",
        {
            "spec": {
                "podSelector": {"matchLabels": LABELS},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
            }
        },
    ),
    "Role": (
        "roles",
        "rbac.authorization.k8s.io/v1",
        {"rules": [{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]}]},
    ),
    "ServiceAccount": (
        "serviceaccounts",
        "v1",
        {"imagePullSecrets": [{"name": "pull"}], "automountServiceAccountToken": False},
    ),
    "PersistentVolumeClaim": (
        "persistentvolumeclaims",
        "v1",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    "PodDisruptionBudget": (
        "poddisruptionbudgets",
        "policy/v1",
        {"spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}}},
    ),
    "Boat": (
        "boats",
        "example.com/v1",
        {
            "spec": {
                "parts": [{"name": "mast", "size": 9}, {"name": "hull", "size": 20, "unit": "ft"}],
                "flags": ["red", "blue"],
                "steps": ["one", "two"],
                "limits": {"crew": "5"},
                "speed": 1.5,
                "free": {"any": [1, {"x": None, "y": "z"}], "thing": {"deep": {"er": True}}},
            }
        },
    ),
}


def target(kind: str, namespace: str) -> dict[str, Any]:
    """Return the target of `kind` in apply form."""
    _, api_version, rest = KINDS[kind]
    group = api_version.rpartition("/")[0]
    tracking = {"gitopsd.io/tracking-id": f"shop:{group}/{kind}:{namespace}/web"}
    meta = {"name": "web", "namespace": namespace, "labels": {"app": "web"}, "annotations": tracking}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **rest}


def served_as(kind: str) -> ApiResource:
    plural, api_version, _ = KINDS[kind]
    group, _, version = api_version.rpartition("/")
    return ApiResource(GVK(group, version, kind), plural, namespaced=True, verbs=ALL_VERBS, preferred=True)

"""What tests of managed fields and their neighbours share."""

from __future__ import annotations

from typing import Any

FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {".": {}, 'v:"example.com/keep"': {}}},
    "f:spec": {
        "f:selector": {},
        "f:paused": {},
        "f:containers": {
            'k:{"name":"web"}': {
                ".": {},
                "f:name": {},
                "f:image": {},
                "f:ports": {
                    'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                    'k:{"containerPort":443,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                },
                "f:args": {},
            },
        },
        "f:steps": {"i:0": {"f:run": {}}},
    },
}


def entry(fields: dict[str, Any], manager: str = "gitopsd", operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields, **more}


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "resourceVersion": "7",
            "labels": {"app": "web", "extra": "x"},
            "finalizers": ["other.example.com/x", "example.com/keep"],
            "managedFields": list(entries) or [entry(FIELDS)],
        },
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "replicas": 3,
            "containers": [
                {
                    "name": "web",
                    "image": "web:1",
                    "args": ["a", "b"],
                    "ports": [
                        {"containerPort": 80, "protocol": "TCP"},
                        {"containerPort": 443, "protocol": "TCP"},
                    ],
                },
                {"name": "proxy", "image": "proxy:1"},
            ],
            "steps": [{"run": "one"}, {"run": "two"}],
        },
    }

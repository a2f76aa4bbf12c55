"""What tests of secrets and their neighbours share."""

from __future__ import annotations

from typing import Any


def secret(kind: str = "repository", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "labels": {"argocd.argoproj.io/secret-type": kind}},
        "stringData": data,
    }

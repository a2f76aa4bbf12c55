"""What tests of declaring and their neighbours share."""

from __future__ import annotations

from typing import Any

from gitopsd.model.manifest import Manifest

MAY_DECLARE = {"name": "gitopsd", "namespace": "argocd"}


IN_C1 = {"name": "c1", "namespace": "prod"}


def project(
    name: str = "team", destinations: Any = (MAY_DECLARE, IN_C1), notes: dict[str, str] | None = None, **spec: Any
) -> Manifest:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "annotations": notes or {}},
        "spec": {"sourceRepos": ["*"], "destinations": list(destinations), **spec},
    }
